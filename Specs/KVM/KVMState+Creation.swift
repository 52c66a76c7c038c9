import SpecLanguage
import TDXModuleSpecs

/// What comes of KVM_TDX_INIT_VM, as far as its arguments and the processor decide it.
public enum TDParams: EnumDomain {
  case supported
  /// TDH.MNG.INIT answers OPERAND_INVALID (kvm-tdx §2.2.2 #22).
  case refused
  /// TDH.MNG.KEY.CONFIG fails (kvm-tdx §2.2.2 #20).
  case keyless
}

/// The calls that build a TD, where a scope starts from KVM_CREATE_VM (CREATED=0).
///
/// Answers that need no more than malformed arguments or a lack of memory are those of
/// `TDXVM`; a SEAMCALL fails here when others get in its way, or as FAULTS says.
extension KVMState {
  /// They pin the VM's descriptors like any other ioctl.
  package static let buildingCalls = [
    "KVM_TDX_INIT_VM", "KVM_CREATE_VCPU", "KVM_TDX_INIT_VCPU", "KVM_CREATE_GUEST_MEMFD",
    slotCreateName, "KVM_TDX_INIT_MEM_REGION", "KVM_TDX_FINALIZE_VM",
  ]
  static let slotCreateName = "KVM_SET_USER_MEMORY_REGION2(create)"

  /// The calls that build a TD.
  ///
  /// - Parameter release: the design's tdx_mmu_release_hkid, which INIT_VM unwinds with.
  @ListBuilder<Action>
  package func creation(release: [Statement]) -> [Action] {
    initVM(release)
    createVCPU
    initVCPU
    createFile
    slotCreate
    initMemRegion
    finaliseVM
  }

  /// tdx_acquire_vm_state_locks around a handler: kvm->lock, every vcpu->mutex, slots_lock
  /// (kvm-tdx §2.2).
  ///
  /// The mutexes are taken in one step: kvm->lock keeps others from taking several of them.
  @StatementBuilder
  func guarded(_ handler: Action) -> [Statement] {
    let answer = Local<Outcome>("answer")
    Holding(kvmLock) {
      Step("kvm_lock_all_vcpus") {
        Each(VCPU.self) { v in When(vcpu[v] != .absent) { Acquire(vcpuMutex[v]) } }
      }
      Holding(slotsLock) { Call(handler, into: answer) }
      ReleaseAll(vcpuMutex)
    }
    Return(answer)
  }

  /// Mainline: a removal can be under way while the TD is finalised, and it may have no vCPU.
  package var finaliseRaces: Condition { td.created == 0 && finalise == 0 }

  /// The TD is between INIT_VM and FINALIZE_VM (kvm-tdx §2.3).
  private var isBeingBuilt: Condition { hkidAssigned && build != .runnable }

  // MARK: The TD

  private func initVM(_ release: [Statement]) -> Action {
    let params = NamedArgument<TDParams>("td_params")
    return Action(
      "KVM_TDX_INIT_VM", taking: [params], by: HostThread.self, cites: "kvm-tdx §2.2.2"
    ) {
      gate(
        Statements {
          Require(faults > 0 || params == .supported)
          Require(faults > 1 || params != .keyless)
        }, building: true)
      guarded(tdInit(params, release))
    }
  }

  private func tdInit(_ params: NamedArgument<TDParams>, _ release: [Statement]) -> Action {
    let answer = Local<Outcome>("answer of __tdx_td_init")
    let refused = Local<Bool>("TDH.MNG.INIT refused")
    return Action("tdx_td_init", cites: "kvm-tdx §2.2.2") {
      Step("tdx_guest_keyid_alloc") {
        Check(build == .uninitialized, else: .EINVAL).because("#1", "kvm-tdx §2.2.2")
        hkidAssigned <- true
      }
      .because("a key id is left: other TDs are not here", "kvm-tdx §4.1")
      Call(createTD(params), into: answer)
      When(answer != .ok) {
        refused <- answer == .EINVAL
        release
        Call(td.reclaimTDR)
        When(refused) { Return(.EINVAL) }
        Return(.EIO)
      }
      Step("the TD is INITIALIZED") { build <- .initialized }
    }
  }

  /// The SEAMCALLs of __tdx_td_init; tdx_lock, around TDH.MNG.CREATE, is about other TDs' keys.
  private func createTD(_ params: NamedArgument<TDParams>) -> Action {
    let status = Local<Outcome>("status")
    return Action("__tdx_td_init", cites: "kvm-tdx §2.2.2") {
      Call(td.mngCreate, into: status)
      orBug(status)
      Call(td.keyConfig(fails: params == .keyless), into: status)
      orBug(status)
      Call(td.mngAddCX, into: status)
      orBug(status)
      Call(td.mngInit(refuses: params == .refused), into: status)
      When(status == .operandInvalid) { Return(.EINVAL) }
      orBug(status)
    }
  }

  /// A SEAMCALL that KVM does not expect to fail.
  @StatementBuilder
  func orBug(_ status: Local<Outcome>) -> [Statement] {
    When(status != .ok) {
      bug(after: status)
      Return(.EIO)
    }
  }

  private var finaliseVM: Action {
    Action("KVM_TDX_FINALIZE_VM", by: HostThread.self, cites: "kvm-tdx §2.2.3") {
      gate(building: true)
      guarded(tdFinalize)
    }
  }

  /// Mainline holds the guard and nothing else, so that a hole may be punched meanwhile.
  private var tdFinalize: Action {
    Action("tdx_td_finalize", cites: "kvm-tdx §2.2.3") {
      When(finalise == 1) {
        Holding(mmuLock, .write) { finaliseMeasurement }
      } else: {
        finaliseMeasurement
      }
    }
  }

  @StatementBuilder
  private var finaliseMeasurement: [Statement] {
    let status = Local<Outcome>("status")
    Step("the TD's state") {
      Check(isBeingBuilt, else: .EINVAL).because("once, after INIT_VM", "kvm-tdx §2.2.3")
      Check(finalise == 0 || exists(VCPU.self) { v in vcpu[v] == .initialized }, else: .EINVAL)
        .because("mainline does not look, the module does", "kvm-tdx §2.2.3")
    }
    Call(td.mrFinalize, into: status)
    When(status == .operandBusyTDR) { Return(.EBUSY) }
    orBug(status)
    Step("the TD is RUNNABLE") { build <- .runnable }
  }

  // MARK: vCPUs

  /// No vCPU of the number needs to be left: a second call for a vCPU answers EEXIST.
  private var createVCPU: Action {
    Action("KVM_CREATE_VCPU", each: VCPU.self, by: HostThread.self, cites: "kvm-tdx §2.4") { v in
      gate(building: true)
      Holding(kvmLock) {
        createsInDeadVM
        Step(Self.vcpuCreateName) {
          Check(vcpu[v] == .absent, else: .EEXIST).because("the id is taken", "kvm-tdx §2.4")
          Check(build == .initialized, else: .EIO)
            .because("between INIT_VM and FINALIZE_VM", "kvm-tdx §2.4")
          vcpu[v] <- .created
          loaded[v] <- hkidAssigned
        }
        .because("vcpu_load puts it on its CPU's list", "kvm-tdx §2.4")
      }
    }
  }

  static var vcpuCreateName: String { "tdx_vcpu_create" }

  /// Whether a vCPU may be created in a dead VM by a call that was past its gate (kvm-tdx W3).
  @StatementBuilder
  private var createsInDeadVM: [Statement] {
    switch deadVM {
    case .refusesIoctls: Statements {}
    case .refusesVCPUs:
      Check(!vmDead, else: .EIO).because("looked at again under kvm->lock", "kvm-tdx §5.d")
    }
  }

  private var initVCPU: Action {
    Action("KVM_TDX_INIT_VCPU", each: VCPU.self, by: HostThread.self, cites: "kvm-tdx §2.3.1") {
      v in
      gate(of: v, building: true)
      guarded(tdVCPUInit(v))
    }
  }

  /// The TD's state, then vcpu_load.
  func guardedLoad(_ v: Expr<VCPU>) -> Statement {
    Step("vcpu_load, under the guard") {
      Check(isBeingBuilt, else: .EINVAL).because("the TD's state", "kvm-tdx §2.3")
      loaded[v] <- true
    }
  }

  /// Its TDH.VP.WRs at the end are left out: they share what TDH.VP.ADDCX shares.
  private func tdVCPUInit(_ v: Expr<VCPU>) -> Action {
    let status = Local<Outcome>("status")
    return Action("tdx_vcpu_init", cites: "kvm-tdx §2.3.1") {
      guardedLoad(v)
      Check(vcpu[v] == .created, else: .EINVAL).because("only once", "kvm-tdx §2.3.1")
      Call(td.vpCreate, into: status)
      orBug(status)
      Call(td.vpAddCX, into: status)
      orBug(status)
      Holding(mmuLock, .write) { Call(td.vpInit(v), into: status) }
      orBug(status)
      Step("the vCPU is INITIALIZED") { vcpu[v] <- .initialized }
    }
  }
}
