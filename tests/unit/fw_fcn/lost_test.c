#include "fcn_helper.h"
void tests_lost(Suite *s) { (void)s; }
