import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What ends everything: DISABLE, the exit of the process, the end of the VM.
extension AsyncCleanup {
  /// Disposes of what was set aside, too (s390-pv §1.11).
  var disable: Action {
    Action(ProtectedVM.disableName, by: HostThread.self, cites: "s390-pv §1.11") {
      kvm.gate
      Holding(kvm.kvmLock) {
        Step("is the VM protected?") { Check(kvm.handle != nil, else: .EINVAL) }
        kvm.unprotectsCPUs
        kvm.refusesDisable
        cleansAll
        kvm.refusesDisable
        Step(ProtectedVM.disableEnds) {}
      }
    }
  }

  /// kvm_s390_pv_deinit_cleanup_all: configurations first, then the pages (s390-pv §1.9).
  @StatementBuilder
  var cleansAll: [Statement] {
    Step(Self.begins) {
      needsWalk <- (kvm.count > 0)
      When(kvm.count > 0) {
        kvm.count <- kvm.count + 1
        kvm.transient <- true
      }
    }
    When(needsWalk) {
      Step(Self.collects) {
        needsWalk <- (kvm.isProtected || exists(Config.self) { h in isLeft(h) })
        Each(Config.self) { h in When(aside == h) { kvm.held[h] <- .waiting } }
        aside <- nil
      }
      When(kvm.isProtected) { kvm.destroysConfig }
      ForEach(Config.self) { h in
        When(kvm.held[h] == .waiting) {
          Step(Self.disposes) { disposesOf(h, refused: Statements { kvm.failed <- true }) }
        }
      }
      When(needsWalk) {
        Step("takes a reference to the mm, if it is there") { pinned <- (kvm.mm == .alive) }
        When(pinned) {
          ForEach(Page.self) { p in Step(ProtectedVM.cleansPage) { cleansVisited(p) } }
        }
      }
      Step("all is cleaned up") {
        pinned <- false
        kvm.count <- kvm.count - 1
        kvm.transient <- false
      }
    }
  }

  private func isLeft(_ h: Expr<Config>) -> Condition {
    kvm.held[h].in(.aside, .waiting)
  }

  /// The notifier is there from the first ENABLE to the end of the VM (s390-pv §1.3).
  var registersNotifier: Statement {
    Step(Self.registers) {
      When(notifier == .none) {
        kvm.allocates(
          .notifier, Statements { notifier <- .registered }, failing: Statements { Return(.ENOMEM) }
        )
      }
    }
  }

  /// exit_mmap: the notifier destroys the CPUs, and the configuration if that is fast; then pages
  /// can be destroyed and need no export (s390-pv §1.13).
  var exit: Action {
    kvm.exit(
      Self.calls,
      first: Statements {
        Require(!pinned)
        When(notifier == .registered) { releases }
      }
    ) { p in
      When(kvm.count > 0) { kvm.cleans(p) }
      kvm.place[p] <- .away
      kvm.entry[p] <- false
    }
  }

  @StatementBuilder
  private var releases: [Statement] {
    kvm.unprotectsCPUs
    Step(Self.notifies) {
      notifier <- .fired
      When(!kvm.failed && fast == 1) {
        Each(Config.self) { h in
          When(kvm.handle == h) {
            kvm.uv.destroys(
              h, by: .destroyFast,
              Statements {
                givesBack(h, leaving: .none)
                kvm.keptCount <- true
              }, refused: [])
          }
        }
      }
    }
  }

  static let notifies = "Destroy Secure Configuration Fast, by the notifier"

  /// kvm_arch_destroy_vm; a release of the notifier that is under way is waited for.
  var destroy: Action {
    kvm.destroy(
      Self.calls,
      rest: Statements {
        cleansAll
        Step(Self.unregisters) {
          Require(!at(Ultravisor.destroyCPU) && !at(Self.notifies))
          notifier <- .none
        }
      })
  }
}
