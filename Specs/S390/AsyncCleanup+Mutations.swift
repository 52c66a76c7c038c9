import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Bugs of the past, and what PREPARE and PERFORM depend on (s390-pv §5.1).
extension AsyncCleanup {
  @ListBuilder<Mutation> var mutations: [Mutation] {
    historical
    dependences
  }

  @ListBuilder<Mutation> private var historical: [Mutation] {
    Mutation(
      "B6", "a page of the predecessor kills the guest", caughtBy: ["S390-22"], at: "small",
      cites: "s390-pv B6"
    ) {
      Replacing(step: ProtectedVM.wipes) {
        Step(ProtectedVM.wipes) { Return(.segfault) }
      }
    }
    Mutation(
      "B7", "a guest with a segment table is set aside", caughtBy: ["SI-20"], at: "segment",
      cites: "s390-pv B7"
    ) { Without(check: "SEGMENT is 0") }
    Mutation(
      "B9", "cleanup_all counts itself where nothing is protected", caughtBy: ["SI-13"],
      at: "small", cites: "s390-pv B9"
    ) { Replacing(step: Self.begins) { Step(Self.begins) { countsItself } } }
    Mutation(
      "B16", "a notifier that could not be registered is not missed", caughtBy: ["SI-16"],
      at: "small", cites: "s390-pv B16"
    ) {
      Replacing(step: Self.registers) {
        Step(Self.registers) {
          When(notifier == .none) {
            kvm.allocates(.notifier, Statements { notifier <- .registered }, failing: [])
          }
        }
      }
    }
    Mutation(
      "B21", "the end of an unprotected VM leaves what was set aside", caughtBy: ["SI-23"],
      at: "small", cites: "s390-pv B21"
    ) {
      Replacing(step: Self.begins, in: ProtectedVM.destroyName) {
        Step(Self.begins) { When(kvm.isProtected) { countsItself } }
      }
    }
  }

  @StatementBuilder
  private var countsItself: [Statement] {
    needsWalk <- true
    kvm.count <- kvm.count + 1
    kvm.transient <- true
  }

  @ListBuilder<Mutation> private var dependences: [Mutation] {
    Mutation(
      "lose-interrupted", "the record of an interrupted PERFORM is put nowhere",
      caughtBy: ["SI-23-flight", "SI-23"], at: "small", cites: "s390-pv SI-23"
    ) { Without(step: Self.requeues) }
    Mutation(
      "two-aside", "PREPARE does not look whether one is set aside", caughtBy: ["SI-14"],
      at: "small", cites: "s390-pv SI-14"
    ) { Without(check: "set_aside is none", in: Self.prepareName) }
    Mutation(
      "keep-table", "PREPARE does not replace the top-level table", caughtBy: ["SI-8"],
      at: "slow", cites: "s390-pv SI-8"
    ) {
      Replacing(step: Self.replacesTable) {
        Step(Self.replacesTable) { record <- kvm.handle }
      }
    }
    Mutation(
      "count-early", "the notifier takes the configuration it destroyed off the count",
      caughtBy: ["SI-1", "SI-2"], at: "small", cites: "s390-pv §1.3"
    ) {
      Replacing(step: Self.notifies) {
        Step(Self.notifies) {
          notifier <- .fired
          Each(Config.self) { h in
            When(kvm.handle == h && !kvm.failed && fast == 1) {
              kvm.uv.abandons(h)
              kvm.donated[h] <- false
              kvm.held[h] <- .none
              kvm.handle <- nil
              kvm.table <- nil
              kvm.uncounts
            }
          }
        }
      }
    }
    Mutation(
      "keep-handle", "a fast destroy leaves the VM its handle", caughtBy: ["SI-9"], at: "small",
      cites: "s390-pv SI-9"
    ) {
      Replacing(step: Ultravisor.destroyFast) {
        Step(Ultravisor.destroyFast) {
          Each(Config.self) { h in
            When(kvm.handle == h) {
              kvm.uv.abandons(h)
              kvm.donated[h] <- false
              kvm.held[h] <- .cleaned
              kvm.table <- nil
              record <- h
            }
          }
        }
      }
    }
    Mutation(
      "no-export", "a page of another guest is not exported before it is imported",
      caughtBy: ["SI-10"], at: "slow-shared", cites: "s390-pv SI-10"
    ) {
      Replacing(step: ProtectedVM.freezes, in: ProtectedVM.runName) {
        Step(ProtectedVM.freezes) {
          kvm.place[kvm.p] <- .mapped
          kvm.entry[kvm.p] <- true
          kvm.flagged[kvm.p] <- true
        }
      }
    }
    Mutation(
      "unlocked-take", "PERFORM takes the record without kvm->lock", caughtBy: ["SI-18"],
      at: "small", cites: "s390-pv SI-18"
    ) { Without(lock: kvm.kvmLock, in: Self.performName) }
    Mutation(
      "commit-early", "PREPARE lets go of the memory before the fast destroy has succeeded",
      caughtBy: ["SI-6", "SI-33"], at: "small", cites: "s390-pv SI-33"
    ) {
      Replacing(step: Self.allocatesRecord) {
        Step(Self.allocatesRecord) {
          Each(Config.self) { h in When(kvm.handle == h) { kvm.donated[h] <- false } }
          kvm.allocates(.record, [], failing: Statements { Return(.ENOMEM) })
        }
      }
    }
  }
}
