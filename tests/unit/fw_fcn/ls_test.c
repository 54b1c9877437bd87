#include "fcn_helper.h"
void tests_ls(Suite *s) { (void)s; }
