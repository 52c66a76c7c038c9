import SpecLanguage
import TDXModuleSpecs

extension KVMState {
  /// Where the write mmu_lock is taken while the HKID is released.
  public enum ReleaseLocking: Sendable {
    /// Mainline: nobody else can hold a reference (kvm-tdx §4.3).
    case none
    /// V4: after TDH.MNG.VPFLUSHDONE (kvm-tdx §5.d T6).
    case afterVPFlushDone
    /// The twin: before TDH.MNG.VPFLUSHDONE.
    case beforeVPFlushDone
  }

  /// tdx_mmu_release_hkid: from runnable to TD_TEARDOWN (kvm-tdx §4.3).
  ///
  /// - Parameters:
  ///   - retrying: as long as some vCPU is associated again, everything is done again
  ///     (kvm-tdx §5.b); otherwise the HKID is lost.
  ///   - isLoud: the loss is a KVM_BUG_ON; otherwise it is silent.
  @StatementBuilder
  package func releaseHKID(
    _ locking: ReleaseLocking, retrying: Bool = false, isLoud: Condition = Condition(.no)
  ) -> [Statement] {
    let assigned = Local<Bool>("assigned")
    let status = Local<Outcome>("status")
    assigned <- hkidAssigned
    When(assigned) {
      if retrying {
        Repeat(while: status == .flushVPNotDone) { flushAndFree(locking, status, isLoud) }
      } else {
        flushAndFree(locking, status, isLoud)
      }
    }
  }

  @StatementBuilder
  private func flushAndFree(
    _ locking: ReleaseLocking, _ status: Local<Outcome>, _ isLoud: Condition
  ) -> [Statement] {
    ForEach(ordered: VCPU.self) { v in flushVP(v) }
    Holding(tdxLock) {
      switch locking {
      case .beforeVPFlushDone:
        Holding(mmuLock, .write) { blockAndFree(.none, status, isLoud) }
      case .none, .afterVPFlushDone:
        blockAndFree(locking, status, isLoud)
      }
    }
  }

  static var freeName: String { "tdx_hkid_free: the HKID goes back to the pool" }
  static var lookAtVCPU: String { "looks whether the vCPU is INITIALIZED" }

  /// tdx_flush_vp_on_cpu: an IPI to the CPU that has the vCPU on its list.
  @StatementBuilder
  private func flushVP(_ v: Expr<VCPU>) -> [Statement] {
    let status = Local<Outcome>("status")
    let listed = Local<Bool>("listed")
    let initialised = Local<Bool>("initialised")
    listed <- loaded[v]
    When(listed) {
      When(td.created == 0) {
        Step(Self.lookAtVCPU) { initialised <- vcpu[v] == .initialized }
      }
      When(td.created == 1 || initialised) {
        Call(td.vpFlush(v), into: status)
        When(status != .ok && status != .vcpuNotAssociated) { bug(after: status) }
      }
      Step("takes the vCPU off its CPU's list") { loaded[v] <- false }
    }
  }

  @StatementBuilder
  private func blockAndFree(
    _ locking: ReleaseLocking, _ status: Local<Outcome>, _ isLoud: Condition
  ) -> [Statement] {
    Call(td.vpFlushDone, into: status)
    When(status == .ok) {
      switch locking {
      case .afterVPFlushDone:
        Holding(mmuLock, .write) { writeBackAndFree }
      case .none, .beforeVPFlushDone:
        writeBackAndFree
      }
    } else: {
      // In mainline FLUSHVP_NOT_DONE is silent and leaks the HKID; anything else is a KVM_BUG_ON.
      When(status != .flushVPNotDone || isLoud) { bug(after: status) }
    }
  }

  @StatementBuilder
  private var writeBackAndFree: [Statement] {
    let status = Local<Outcome>("status")
    Call(td.cacheWB)
    Call(td.keyFreeID, into: status)
    When(status == .ok) {
      Step(Self.freeName) { hkidAssigned <- false }
    } else: {
      bug(after: status)
    }
  }
}
