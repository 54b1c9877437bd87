#include "fcn_helper.h"
void tests_frame(Suite *s) { (void)s; }
