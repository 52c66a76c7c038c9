import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What is asked of SNP's teardown (s390-pv §4.1).
extension SNPTeardown {
  @ListBuilder<Property> public var properties: [Property] {
    asidProperties
    questions
    LeadsTo(
      "SNP-end", "the end of a VM comes to an end", each: Guest.self, cites: "s390-pv §4.1",
      fairness: [.strong(threadsOf: HostThread.self)]
    ) { g in
      inside(Self.destroyName, g)
    } then: { g in
      !inside(Self.destroyName, g)
    }
  }

  private func isThere(_ g: Expr<Guest>) -> Condition { life[g].in(.active, .launched) }

  @ListBuilder<Property> private var asidProperties: [Property] {
    Always("SNP-1", "an ASID has one guest", cites: "s390-pv E1") {
      forAll(Guest.self) { g in
        forAll(Guest.self) { o in
          isThere(g) && isThere(o) && asid[g] == asid[o] ==> g == o
        }
      }
    }
    Always(
      "SNP-2", "a guest is bound to an ASID of which no cache has anything", cites: "s390-pv E2"
    ) {
      forAll(Guest.self) { g in
        forAll(ASID.self) { a in at(Self.binds, g) && asid[g] == a ==> cache[a] == .clean }
      }
    }
    Always(
      "SNP-3", "the firmware's contexts are those of guests, or could not be ended",
      cites: "s390-pv E3"
    ) {
      forAll(Guest.self) { g in
        context[g]
          ==> life[g] == .launched || inside(Self.startName, g) || inside(Self.destroyName, g)
          || life[g] == .gone && refused
      }
    }
    Always(
      "SNP-4", "an ASID that is not given back has a guest, or its context could not be ended",
      cites: "s390-pv §4.1"
    ) {
      forAll(ASID.self) { a in
        pool[a] == .allocated
          ==> exists(Guest.self) { g in
            asid[g] == a && (isThere(g) || inside(Self.destroyName, g))
          }
      }
    }
    Always(
      "SNP-6", "the ASID of a context is not given back", cites: "s390-pv §4.1"
    ) {
      forAll(Guest.self) { g in
        forAll(ASID.self) { a in
          context[g] && asid[g] == a ==> pool[a].in(.allocated, .lost)
        }
      }
    }
    Possible(
      "SNP-5", "an ASID is used again by another guest", cites: "s390-pv §4.1"
    ) {
      exists(Guest.self) { g in life[g] == .launched }
      exists(Guest.self) { g in life[g] == .gone }
    }
    .expect(.vacuous, when: guests == 1, because: "there is one guest")
  }

  @ListBuilder<Property> private var questions: [Property] {
    TeardownQuestions.keyComesBackEarly {
      exists(Guest.self) { g in
        exists(ASID.self) { a in isThere(g) && asid[g] == a && pool[a] != .allocated }
      }
    }
    .expect(.vacuous, because: "the ASID goes with the last reference to the VM (s390-pv §4.1)")
    TeardownQuestions.pagesOutliveOwner {
      exists(Page.self) { p in
        rmp[p] != nil && exists(Guest.self) { g in guestOf[p] == g && life[g] == .gone }
      }
    }
    TeardownQuestions.noReuse { forAll(Page.self) { p in !folio[p] ==> rmp[p] == nil } }
    TeardownQuestions.lossHasCause {
      !exists(ASID.self) { a in pool[a] == .lost } || refused
    }
  }

  public var scopes: [Scope] {
    [
      Scope("small", "two guests, one ASID", ["guests": 2, "asids": 1, "pages": 2, "threads": 2]),
      Scope(
        "three", "three guests, two ASIDs",
        ["guests": 3, "asids": 2, "pages": 1, "threads": 2]),
    ]
  }

  @ListBuilder<Mutation> public var mutations: [Mutation] {
    Mutation(
      "E2", "a context ends between WBINVD and DF_FLUSH", caughtBy: ["SNP-2"], at: "three",
      cites: "s390-pv E2"
    ) { Without(lock: deactivateLock, in: Self.destroyName) }
    Mutation(
      "E3", "a context that could not be bound stays", caughtBy: ["SNP-3"], at: "small",
      cites: "s390-pv E3"
    ) {
      Replacing(step: Self.undoes) { Step(Self.undoes) { Return(.EIO) } }
    }
    Mutation(
      "no-flush", "an ASID is used again without DF_FLUSH", caughtBy: ["SNP-2"], at: "small",
      cites: "s390-pv §4.1"
    ) {
      Replacing(step: Self.flushes) {
        Step(Self.flushes) {
          Each(ASID.self) { a in When(pool[a] == .released) { pool[a] <- .free } }
        }
      }
    }
    Mutation(
      "no-rmpupdate", "a page goes back without RMPUPDATE", caughtBy: ["Q-4"], at: "small",
      cites: "s390-pv §4.1"
    ) { Without(step: Self.takesBack) }
    Mutation(
      "reuse-leaked", "the ASID of a context that could not be ended is given back",
      caughtBy: ["SNP-6"], at: "small", cites: "s390-pv §4.1"
    ) {
      Replacing(step: Self.givesBack) {
        Step(Self.givesBack) {
          Each(ASID.self) { a in
            When(
              pool[a] == .allocated
                && exists(Guest.self) { g in asid[g] == a && life[g] == .gone }
                && !exists(Guest.self) { g in asid[g] == a && isThere(g) }
            ) { pool[a] <- .released }
          }
        }
      }
    }
  }
}
