// The numbers and sizes of ckvm.h are those of the system's headers, where these know them.
#include "ckvm.h"

#if defined(__x86_64__) && __has_include(<linux/kvm.h>)
#include <linux/kvm.h>

#define SAME(name, number) _Static_assert((name) == (number), #name)

SAME(KVM_CREATE_VM, _IO(CKVM_TYPE, 0x01));
SAME(KVM_CHECK_EXTENSION, _IO(CKVM_TYPE, 0x03));
SAME(KVM_GET_VCPU_MMAP_SIZE, _IO(CKVM_TYPE, 0x04));
SAME(KVM_GET_SUPPORTED_CPUID, _IOWR(CKVM_TYPE, 0x05, struct ckvm_cpuid));
SAME(KVM_CREATE_VCPU, _IO(CKVM_TYPE, 0x41));
SAME(KVM_GET_DIRTY_LOG, _IOW(CKVM_TYPE, 0x42, struct ckvm_dirty_log));
SAME(KVM_SET_USER_MEMORY_REGION, _IOW(CKVM_TYPE, 0x46, struct ckvm_memory_region));
SAME(KVM_CREATE_IRQCHIP, _IO(CKVM_TYPE, 0x60));
SAME(KVM_RUN, _IO(CKVM_TYPE, 0x80));
SAME(KVM_GET_REGS, _IOR(CKVM_TYPE, 0x81, struct ckvm_regs));
SAME(KVM_SET_REGS, _IOW(CKVM_TYPE, 0x82, struct ckvm_regs));
SAME(KVM_GET_SREGS, _IOR(CKVM_TYPE, 0x83, struct ckvm_sregs));
SAME(KVM_SET_SREGS, _IOW(CKVM_TYPE, 0x84, struct ckvm_sregs));
SAME(KVM_GET_FPU, _IOR(CKVM_TYPE, 0x8c, struct ckvm_fpu));
SAME(KVM_GET_LAPIC, _IOR(CKVM_TYPE, 0x8e, struct ckvm_lapic));
SAME(KVM_SET_LAPIC, _IOW(CKVM_TYPE, 0x8f, struct ckvm_lapic));
SAME(KVM_SET_CPUID2, _IOW(CKVM_TYPE, 0x90, struct ckvm_cpuid));
SAME(KVM_GET_MP_STATE, _IOR(CKVM_TYPE, 0x98, struct ckvm_mp_state));
SAME(KVM_SET_MP_STATE, _IOW(CKVM_TYPE, 0x99, struct ckvm_mp_state));
SAME(KVM_NMI, _IO(CKVM_TYPE, 0x9a));
SAME(KVM_GET_VCPU_EVENTS, _IOR(CKVM_TYPE, 0x9f, struct ckvm_vcpu_events));
SAME(KVM_GET_DEBUGREGS, _IOR(CKVM_TYPE, 0xa1, struct ckvm_debugregs));
SAME(KVM_SET_TSC_KHZ, _IO(CKVM_TYPE, 0xa2));
SAME(KVM_ENABLE_CAP, _IOW(CKVM_TYPE, 0xa3, struct ckvm_enable_cap));
SAME(KVM_GET_XSAVE, _IOR(CKVM_TYPE, 0xa4, struct ckvm_xsave));
SAME(KVM_GET_XCRS, _IOR(CKVM_TYPE, 0xa6, struct ckvm_xcrs));
SAME(KVM_SMI, _IO(CKVM_TYPE, 0xb7));
SAME(KVM_MEMORY_ENCRYPT_OP, _IOWR(CKVM_TYPE, 0xba, unsigned long));
SAME(sizeof(struct kvm_cpuid_entry2), sizeof(struct ckvm_cpuid_entry));
SAME(offsetof(struct kvm_run, exit_reason), offsetof(struct ckvm_run, exit_reason));
SAME(offsetof(struct kvm_run, hypercall.ret), offsetof(struct ckvm_run, hypercall.ret));
SAME(offsetof(struct kvm_run, mmio.len), offsetof(struct ckvm_run, mmio.len));
#endif
