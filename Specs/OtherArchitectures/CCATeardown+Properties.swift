import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What is asked of a realm's teardown (s390-pv §4.2).
extension CCATeardown {
  @ListBuilder<Property> public var properties: [Property] {
    orders
    questions
    LeadsTo(
      "CCA-end", "the end of a realm comes to an end", cites: "s390-pv §4.2",
      fairness: [.strong(threadsOf: HostThread.self)]
    ) {
      inside(Self.destroyName)
    } then: {
      !inside(Self.destroyName)
    }
  }

  @ListBuilder<Property> private var orders: [Property] {
    Always("CCA-1", "a realm is destroyed after its RECs", cites: "s390-pv §4.2") {
      forAll(VCPU.self) { v in rec[v] ==> descriptor }
    }
    Always("CCA-2", "a realm is destroyed after its tables", cites: "s390-pv §4.2") {
      stageTwo != .none ==> descriptor
    }
    Always("CCA-3", "a table is destroyed after the data that it maps", cites: "s390-pv §4.2") {
      forAll(Page.self) { p in granule[p] == .data ==> stageTwo != .none }
    }
    Always("CCA-4", "no REC runs in a realm that is dying", cites: "s390-pv §4.2") {
      forAll(VCPU.self) { v in running[v] ==> realm == .active && rec[v] }
    }
  }

  @ListBuilder<Property> private var questions: [Property] {
    TeardownQuestions.keyComesBackEarly {
      realm == .dead
      vmOpen
    }
    .expect(.vacuous, because: "the realm goes with the last reference to the VM (s390-pv §4.2)")
    TeardownQuestions.pagesOutliveOwner {
      realm == .dead
      exists(Page.self) { p in granule[p] != .undelegated }
    }
    .expect(.vacuous, when: faults == 0, because: "every granule is undelegated (s390-pv §4.2)")
    TeardownQuestions.noReuse {
      forAll(Page.self) { p in !folio[p] ==> granule[p] == .undelegated }
    }
    TeardownQuestions.needsNoMemory { !at(Self.splitFails) }
      .expect(
        .violated, when: pressure == 1 && blocks == 1,
        because: "a block is split before it goes, which needs a table (s390-pv §4.2)")
    TeardownQuestions.lossHasCause { !leaked || refused }
      .expect(.violated, when: pressure == 1 && blocks == 1, because: "see Q-5")
  }

  public var scopes: [Scope] {
    [
      Scope("small", "two vCPUs and pages", ["vcpus": 2, "pages": 2, "threads": 2]),
      Scope(
        "mapped-by-pages", "the same, the guest is mapped by pages",
        ["vcpus": 2, "pages": 2, "threads": 2, "BLOCKS": 0]),
    ]
  }

  @ListBuilder<Mutation> public var mutations: [Mutation] {
    Mutation(
      "free-delegated", "pages are freed whatever the monitor says", caughtBy: ["Q-4"],
      at: "small", cites: "s390-pv §4.2"
    ) { Without(check: "granule[p] is undelegated") }
    Mutation(
      "enter-dying", "KVM_RUN does not look at the realm", caughtBy: ["CCA-4"], at: "small",
      cites: "s390-pv §4.2"
    ) {
      Without(refusal: .ENXIO)
    }
    Mutation(
      "realm-first", "the realm goes whatever it has", caughtBy: ["CCA-1"], at: "small",
      cites: "s390-pv §4.2"
    ) {
      Replacing(step: Self.realmDestroy) {
        Step(Self.realmDestroy) {
          descriptor <- false
          realm <- .dead
        }
      }
    }
    Mutation(
      "table-first", "a table goes with what it maps", caughtBy: ["CCA-3"], at: "small",
      cites: "s390-pv §4.2"
    ) {
      Replacing(step: Self.tableDestroy) { Step(Self.tableDestroy) { stageTwo <- .none } }
    }
  }
}
