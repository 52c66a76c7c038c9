import SpecLanguage
import TDXModuleSpecs

extension KVMState {
  /// What a removal does when the HKID is no longer assigned.
  public enum WithoutHKID: Sendable {
    /// Mainline: cannot happen, so KVM_BUG_ON (kvm-tdx §4.2).
    case bug
    /// Designs that release the HKID early: TDH.PHYMEM.PAGE.RECLAIM (kvm-tdx §5.d).
    case reclaim
  }

  /// A SEAMCALL by tdh_do_no_vcpus: tried, and once more with all vCPUs out of the guest
  /// (kvm-tdx §3.5).
  @StatementBuilder
  func doNoVCPUs(_ leaf: Action, into status: Local<Outcome>) -> [Statement] {
    Call(leaf, into: status)
    When(status == .operandBusyTDR) { Call(leaf, into: status) }
  }

  /// Dynamic page removal of one private leaf, or its reclaim (kvm-tdx §4.2).
  ///
  /// Runs under write mmu_lock. Its result is used for KVM_BUG_ON only: the caller goes on as if
  /// the page were removed.
  @StatementBuilder
  package func removeLeaf(_ p: Expr<Page>, withoutHKID: WithoutHKID) -> [Statement] {
    let present = Local<Bool>("present")
    let assigned = Local<Bool>("assigned")
    Step("clears the mirror SPTE") {
      present <- mirror[p]
      assigned <- hkidAssigned
      mirror[p] <- false
      if let sharing { sharing.unmaps(p) }
    }
    When(present) {
      When(assigned) {
        dynamicRemoval(p)
      } else: {
        switch withoutHKID {
        case .bug: bug
        case .reclaim: reclaim(p)
        }
      }
    }
  }

  static var lookAtTD: String { "tdx_track: looks whether the TD is RUNNABLE" }

  @StatementBuilder
  private func dynamicRemoval(_ p: Expr<Page>) -> [Statement] {
    let status = Local<Outcome>("status")
    let tracks = Local<Bool>("the TD is RUNNABLE")
    doNoVCPUs(td.rangeBlock(p), into: status)
    When(status != .ok) {
      bug(after: status)
    } else: {
      When(td.created == 0) { Step(Self.lookAtTD) { tracks <- build == .runnable } }
      When(td.created == 1 || tracks) { trackAndKick }
      doNoVCPUs(td.pageRemove(p), into: status)
      When(status != .ok) {
        bug(after: status)
      } else: {
        writeBack(p)
      }
    }
  }

  @StatementBuilder
  func writeBack(_ p: Expr<Page>) -> [Statement] {
    let status = Local<Outcome>("status")
    Call(td.pageWBINVD(p), into: status)
    When(status != .ok) { bug(after: status) }
  }

  /// tdx_track (kvm-tdx §4.2).
  @StatementBuilder
  var trackAndKick: [Statement] {
    let status = Local<Outcome>("status")
    doNoVCPUs(td.track, into: status)
    When(status != .ok) {
      bug(after: status)
    } else: {
      Step("kicks all vCPUs and waits until they left the guest") {
        Require(td.olderEpochsLeft)
      }
    }
  }

  @StatementBuilder
  private func reclaim(_ p: Expr<Page>) -> [Statement] {
    Call(td.pageReclaim(p))
  }

  /// Zaps the leafs of a file's pages in increasing order, under write mmu_lock.
  ///
  /// - Parameters:
  ///   - range: which of the file's pages, told by arguments and constants; all, if `nil`.
  ///   - needed: which of those; all, if `nil`.
  @StatementBuilder
  package func zap(
    _ f: Expr<File>, withoutHKID: WithoutHKID, begin: [Statement] = [],
    in range: ((Expr<Page>) -> Condition)? = nil, if needed: ((Expr<Page>) -> Condition)? = nil
  ) -> [Statement] {
    Holding(mmuLock, .write) {
      begin
      let isMeant = range ?? { p in fileOf[p] == f }
      removeLarge(f, withoutHKID: withoutHKID) { p in
        needed.map { isMeant(p) && $0(p) } ?? isMeant(p)
      }
      ForEach(ordered: Page.self, where: isMeant) { p in
        if let needed {
          When(needed(p)) { removeLeaf(p, withoutHKID: withoutHKID) }
        } else {
          removeLeaf(p, withoutHKID: withoutHKID)
        }
      }
    }
  }
}
