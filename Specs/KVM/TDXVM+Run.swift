import SpecLanguage
import TDXModuleSpecs

private let isOdd = NamedArgument<Bool>("odd")
private let access = NamedArgument<VCPUAccess>("what")
private let runnable = NamedArgument<Bool>("runnable")

extension TDXVM {
  /// KVM_RUN until it returns to user space (kvm-tdx §2.5).
  var run: Action {
    let again = Local<Bool>("enters again")
    let answer = Local<Outcome>("answer")
    let odd = Local<Bool>("odd reply")
    let why = Local<GuestExit>("exit")
    let gpa = Local<Page?>("gpa")
    return Action(
      "KVM_RUN", taking: [caller, v], by: HostThread.self, cites: "kvm-tdx §2.5"
    ) {
      vcpuGate
      holdingVCPU {
        Step("is the vCPU there") {
          Check(kind != .td || mpRunnable[v], else: .EINTR)
            .because("it blocks until a signal", "kvm-tdx §2.5")
          odd <- awaitsReply[v] && oddReply[v]
          awaitsReply[v] <- false
        }
        When(odd) { Return(.EINVAL) }
        Step("kvm_arch_vcpu_ioctl_run") {
          Check(kind != .td || vcpu[v] == .initialized && build == .runnable, else: .EINVAL)
            .because("tdx_vcpu_needs_initialization", "kvm-tdx §2.5")
          hasRun[v] <- true
        }
        loadRoot
        Repeat(while: again) {
          interruptible
          loadVCPU
          Step("KVM_REQ_VM_DEAD") { Check(!vmDead, else: .EIO) }
            .because("looked for before every entry", "kvm-tdx §2.5")
          Step("TDH.VP.ENTER") {
            Check(!module.strayed[v], else: .ok)
              .because("TDX_VCPU_ASSOCIATED: KVM_EXIT_INTERNAL_ERROR", "tdx-module §9.6")
            Require(!holding(module.tdr))
              .because("OPERAND_BUSY from TDH.VP.ENTER is retried", "kvm-tdx §2.5")
            module.enter(v.element)
            why <- nextExit
            gpa <- exitPage
            again <- nextExit.in(.privateAccess, .sharedAccess, .answered)
              || nextExit == .mapGPA && !forwardsMapGPA
            awaitsReply[v] <- nextExit == .mapGPA && forwardsMapGPA
            oddReply[v] <- false
            nextExit <- .shutdown
            exitPage <- nil
          }
          Step("TD exit") { module.exit(v.element) }
          When(why == .privateAccess && gpa == nil) { Return(.EFAULT) }
          When(why == .privateAccess) {
            Call(faultPrivate(gpa.value()), into: answer)
            When(answer != .ok && answer != .EAGAIN) { Return(answer) }
          }
          When(why == .sharedAccess && gpa != nil) {
            Step("a fault on a shared GPA") {
              Check(!isPrivate[gpa.value()], else: .EFAULT)
                .because("the attribute is private", "kvm-tdx §2.5")
            }
          }
        }
      }
    }
  }

  /// User space writes kvm_run.hypercall.ret: 0, EAGAIN and EINVAL are answers that
  /// tdx_complete_vmcall_map_gpa passes on, anything else ends the next KVM_RUN (kvm-tdx §2.5).
  var reply: Action {
    Action("set_hypercall_ret", taking: [v, isOdd], cites: "kvm-tdx §2.5") {
      Require(environment == 1 && vcpuFile[v] != .absent)
      When(awaitsReply[v]) { oddReply[v] <- Expr<Bool>(isOdd.node) }
    }
  }

  /// Registers and events (kvm-tdx §2.0).
  var accessVCPU: Action {
    Action(
      "vCPU registers", taking: [caller, v, access], by: HostThread.self, cites: "kvm-tdx §1.1"
    ) {
      vcpuGate
      holdingVCPU {
        Step("what the TDX module protects") {
          Check(kind != .td || access != .protected, else: .EINVAL)
            .because("guest_state_protected", "kvm-tdx §1.1")
          Check(kind != .td || access != .smi, else: .ENOTTY)
            .because("a TD has no SMM", "kvm-tdx §2.1")
        }
      }
    }
  }

  /// KVM_SET_MP_STATE.
  var setMPState: Action {
    Action(
      "KVM_SET_MP_STATE", taking: [caller, v, runnable], by: HostThread.self,
      cites: "kvm-tdx §1.2"
    ) {
      vcpuGate(trying: environment == 1)
      holdingVCPU {
        Step("kvm_arch_vcpu_ioctl_set_mpstate") {
          Check(irqchip != .none || runnable, else: .EINVAL)
            .because("without a local APIC in the kernel it runs")
          mpRunnable[v] <- Expr<Bool>(runnable.node)
        }
      }
    }
  }
}
