import SpecLanguage
import TDXModuleSpecs

private let entries = NamedArgument<EntryRoom>("nent")
private let data = NamedArgument<InitVMData>("init_vm")
private let wanted = NamedArgument<GPAWidth>("guest_pa")

extension TDXVM {
  /// KVM_TDX_CAPABILITIES (kvm-tdx §2.2.1).
  var capabilities: Action {
    Action(
      "KVM_TDX_CAPABILITIES", taking: [caller, command, entries], by: HostThread.self,
      cites: "kvm-tdx §2.2.1"
    ) {
      vmGate
      Step("tdx_get_capabilities") {
        Check(kind == .td, else: .ENOTTY).because("no TD", "kvm-tdx §2.2")
        Check(command == .fine, else: .EINVAL).because("hw_error, flags", "kvm-tdx §2.2.1")
        Check(entries != .unreadable, else: .EFAULT).because("no nent", "kvm-tdx §2.2.1")
        Check(entries == .fine, else: .E2BIG).because("nent is too small", "kvm-tdx §2.2.1")
      }
    }
  }

  /// KVM_MEMORY_ENCRYPT_OP on the VM with an id that it does not know (kvm-tdx §2.2).
  var otherCommandOnVM: Action {
    Action(
      "KVM_MEMORY_ENCRYPT_OP", taking: [caller, command], by: HostThread.self,
      cites: "kvm-tdx §2.2"
    ) {
      vmGate
      tdCommand
      guarded(
        Action("tdx_vm_ioctl: no such command", cites: "kvm-tdx §2.2") { Return(.EINVAL) })
    }
  }

  /// What all commands but CAPABILITIES look at before they take locks (kvm-tdx §2.2).
  private var tdCommand: Statement {
    Step("tdx_get_cmd") {
      Check(kind == .td, else: .ENOTTY).because("no TD", "kvm-tdx §2.2")
      Check(command != .hardwareError, else: .EINVAL).because("hw_error", "kvm-tdx §2.2")
    }
  }

  /// KVM_TDX_INIT_VM (kvm-tdx §2.2.2).
  var initVM: Action {
    Action(
      "KVM_TDX_INIT_VM", taking: [caller, command, data, wanted], by: HostThread.self,
      cites: "kvm-tdx §2.2.2"
    ) {
      vmGate(
        trying: arguments == 1
          || command == .fine && wanted != .none && data == .fine)
      tdCommand
      guarded(tdInit)
    }
  }

  private var tdInit: Action {
    let status = Local<Outcome>("status")
    return Action("tdx_td_init", cites: "kvm-tdx §2.2.2") {
      initVMChecks
      allocates()
      Step("tdx_guest_keyid_alloc") {
        Check(!keyIDsTaken, else: .ENOSPC).because("no KeyID is left", "kvm-tdx §1.4")
        hkid <- .assigned
        tdcsPages <- .held
      }
      allocates(unwinding: Statements { giveUp })
      Holding(cpusLock, .read) {
        When(hotplug == 1 && packageOffline) {
          giveUp
          Return(.EIO)
        }
        .because("#18, no CPU of the package can configure the key", "kvm-tdx §2.2.2")
        createTD(into: status)
      }
      When(status != .ok) {
        kvmBug(after: status)
        teardown
        Return(.EIO)
      }
      addAndInit
      Step("the TD is INITIALIZED") {
        initDataTaken <- Expr<InitVMData>(data.node)
        width <- Expr<GPAWidth>(wanted.node)
        build <- .initialized
      }
    }
  }

  /// What a failure of TDH.MNG.CREATE leads to.
  static let giveUpName = "tdx_hkid_free, frees the TDR and TDCS pages"

  private var initVMChecks: Statement {
    Step("the checks of tdx_td_init") {
      Check(build == .uninitialized, else: .EINVAL).because("#1", "kvm-tdx §2.2.2")
      Check(command == .fine, else: .EINVAL).because("#2 flags", "kvm-tdx §2.2.2")
      Check(data != .unreadable, else: .EFAULT).because("#3 cpuid.nent", "kvm-tdx §2.2.2")
      Check(data != .tooManyEntries, else: Outcome.E2BIG).because("#4", "kvm-tdx §2.2.2")
      Check(data != .reserved, else: .EINVAL).because("#6, #7", "kvm-tdx §2.2.2")
      Check(!anyVCPU, else: .EBUSY).because("#9, cannot happen", "kvm-tdx §2.2.2")
      Check(data != .attributes, else: .EINVAL).because("#10", "kvm-tdx §2.2.2")
      Check(data != .xfam, else: .EINVAL).because("#11", "kvm-tdx §2.2.2")
      Check(data != .guestPhysicalBits && wanted != .none, else: .EINVAL)
        .because("#12", "kvm-tdx §2.2.2")
    }
  }

  private var giveUp: Statement {
    Step(Self.giveUpName) {
      hkid <- .freed
      tdcsPages <- .null
    }
  }

  /// MNG.CREATE, KEY.CONFIG: until here a failure leaves nothing behind.
  @StatementBuilder
  private func createTD(into status: Local<Outcome>) -> [Statement] {
    Holding(tdxLock) {
      seamcall(
        .mngCreate, by: module.create, into: status, effect: Statements { tdrHeld <- true })
    }
    When(status != .ok) {
      giveUp
      When(status == .noEntropy) { Return(.EAGAIN) }
      kvmBug(after: status)
      Return(.EIO)
    }
    seamcall(.mngKeyConfig, by: module.keyConfig, into: status)
  }

  @StatementBuilder
  private var addAndInit: [Statement] {
    let status = Local<Outcome>("status")
    seamcall(.mngAddCX, by: module.addCX, into: status)
    When(status != .ok) {
      When(status == .noEntropy) {
        teardown
        Return(.EAGAIN)
      }
      kvmBug(after: status)
      teardown
      Return(.EIO)
    }
    seamcall(.mngInit, by: module.initialise, into: status)
    When(status != .ok) {
      When(status == .operandInvalid) {
        teardown
        Return(.EINVAL)
      }
      kvmBug(after: status)
      teardown
      Return(.EIO)
    }
    seamcall(.mngRead, by: module.read, into: status)
  }

  @StatementBuilder
  private var teardown: [Statement] {
    Call(releaseHKID)
    Call(reclaimControlPages)
  }
}
