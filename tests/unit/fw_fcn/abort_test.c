#include "fcn_helper.h"
void tests_abort(Suite *s) { (void)s; }
