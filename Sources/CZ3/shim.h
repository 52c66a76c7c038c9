#pragma once
#include <z3.h>
#include <z3_spacer.h>

// libz3's own error handler prints and ends the process; errors are asked for after each call instead.
static void tdxs_z3_ignore(Z3_context context, Z3_error_code code) {
  (void)context;
  (void)code;
}

static inline void tdxs_z3_quiet(Z3_context context) {
  Z3_set_error_handler(context, tdxs_z3_ignore);
}
