#include "StandInSources.h"

// Each file is included as it is, so that a build of the tool has the files of its own sources.
// #embed is of C23; the packager has no name for that language yet.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char makefile[] = {
#embed "kernel/Makefile"
};
static const unsigned char kernel_config[] = {
#embed "kernel/kernel.config"
};
static const unsigned char standin_h[] = {
#embed "kernel/standin.h"
};
static const unsigned char include_asm_msr_h[] = {
#embed "kernel/include/asm/msr.h"
};
static const unsigned char include_asm_tlbflush_h[] = {
#embed "kernel/include/asm/tlbflush.h"
};
static const unsigned char include_asm_vmx_h[] = {
#embed "kernel/include/asm/vmx.h"
};
static const unsigned char instructions_c[] = {
#embed "kernel/instructions.c"
};
static const unsigned char vmx_c[] = {
#embed "kernel/vmx.c"
};
static const unsigned char msrs_c[] = {
#embed "kernel/msrs.c"
};
static const unsigned char module_c[] = {
#embed "kernel/module.c"
};
static const unsigned char controls_c[] = {
#embed "kernel/controls.c"
};

static const struct stand_in_file files[] = {
    {"Makefile", makefile, sizeof(makefile)},
    {"kernel.config", kernel_config, sizeof(kernel_config)},
    {"standin.h", standin_h, sizeof(standin_h)},
    {"include/asm/msr.h", include_asm_msr_h, sizeof(include_asm_msr_h)},
    {"include/asm/tlbflush.h", include_asm_tlbflush_h, sizeof(include_asm_tlbflush_h)},
    {"include/asm/vmx.h", include_asm_vmx_h, sizeof(include_asm_vmx_h)},
    {"instructions.c", instructions_c, sizeof(instructions_c)},
    {"vmx.c", vmx_c, sizeof(vmx_c)},
    {"msrs.c", msrs_c, sizeof(msrs_c)},
    {"module.c", module_c, sizeof(module_c)},
    {"controls.c", controls_c, sizeof(controls_c)},
};

size_t stand_in_file_count(void) { return sizeof(files) / sizeof(files[0]); }

struct stand_in_file stand_in_file_at(size_t index) { return files[index]; }
