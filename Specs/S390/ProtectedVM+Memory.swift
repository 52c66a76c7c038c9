import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What happens to the guest's memory behind its back.
extension ProtectedVM {
  static let reclaimName = "reclaim takes the page away"

  /// Swap-out, migration, munmap or the OOM reaper: the page is exported if the mm is protected,
  /// and then its memory is somebody else's (s390-pv §1.13).
  var reclaim: Action {
    Action(Self.reclaimName, each: Page.self, cites: "s390-pv §1.13", "s390-pv MP-5") { p in
      Require(place[p] == .mapped && mm.in(.alive, .kept))
      Require(!holding(folio[p])).because("an import freezes the references", "s390-pv §1.7")
      leaves(p)
    }
  }

  static let pageOutName = "madvise(MADV_PAGEOUT)"

  /// The VMM asks for it itself: where tests choose what happens, threads can do so at once.
  var pageOut: Action {
    Action(Self.pageOutName, taking: [p], by: HostThread.self, cites: "s390-pv §1.13") {
      Step("reclaims the page") {
        Require(uv.chosen == 1 && mm == .alive && !holding(folio[p]))
        When(place[p] == .mapped) { leaves(p.element) }
      }
    }
  }

  /// The page table entry goes, by the hook of protected mms.
  @StatementBuilder
  func leaves(_ p: Expr<Page>) -> [Statement] {
    When(count > 0) {
      uv.opens(p)
      flagged[p] <- false
    }
    place[p] <- .away
    entry[p] <- false
  }

  /// A user access or a pin for I/O: the page is exported if the flag says that it may be secure
  /// (s390-pv §1.6).
  var hostAccess: Action {
    Action("the VMM accesses a page", each: Page.self, cites: "s390-pv §1.6") { p in
      Require(host == 1 && place[p] == .mapped && mm == .alive && !holding(folio[p]))
      Require(uv.isSecret(p) && flagged[p])
      uv.opens(p)
      flagged[p] <- false
    }
  }

  /// A memslot is deleted or moved: the guest's entries go, nothing is exported (s390-pv §1.5).
  var changeMemslots: Action {
    Action("KVM_SET_USER_MEMORY_REGION", by: HostThread.self, cites: "s390-pv §1.14") {
      Step("drops the guest's entries") {
        Require(memslots == 1 && vm == .open && mm == .alive)
        Check(handle == nil, else: .EINVAL)
        Each(Page.self) { p in entry[p] <- false }
        layoutChanged <- true
      }
    }
  }

  /// The process dies: nobody of it is in a call any more.
  ///
  /// - Parameters:
  ///   - calls: those that it could be in.
  ///   - first: what the notifier does.
  ///   - unmapping: what happens to a page that is mapped.
  func exit(
    _ calls: [String], first: [Statement],
    @StatementBuilder unmapping: @escaping (Expr<Page>) -> [Statement]
  ) -> Action {
    Action(Self.exitName, by: HostThread.self, cites: "s390-pv §1.13") {
      Step("the last user of the mm goes") {
        Require(mm == .alive && isIdle(calls))
        Require(foreign == 1 || vm != .destroying).because("who closes files has an mm")
        mm <- .exiting
      }
      first
      ForEach(Page.self) { p in
        When(place[p] == .mapped) { Step(Self.unmaps) { unmapping(p) } }
      }
      Step("the mm is gone") { mm <- .gone }
    }
  }

  static let unmaps = "unmaps the page for good"

  /// The last reference to the VM goes (s390-pv §1.13).
  ///
  /// - Parameter rest: how a design ends a configuration that is left.
  func destroy(_ calls: [String], rest: [Statement]) -> Action {
    Action(Self.destroyName, by: HostThread.self, cites: "s390-pv §1.13") {
      Step("the last reference to the VM goes") {
        Require(vm == .open && isIdle(calls))
        Require(foreign == 1 || mm != .exiting).because("files go after the mm", "s390-pv §1.13")
        vm <- .destroying
      }
      ForEach(VCPU.self) { v in
        When(protected[v]) { Step(Ultravisor.destroyCPU) { destroysCPU(v) } }
      }
      rest
      Step("frees the VM and its page tables") {
        vm <- .gone
        Each(Config.self) { h in When(handle == h) { held[h] <- .lost } }
        handle <- nil
      }
    }
  }
}
