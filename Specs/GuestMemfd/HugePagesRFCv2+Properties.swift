import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

extension HugePagesRFCv2 {
  @ListBuilder<Property> public var properties: [Property] {
    file.mappingProperties
      .expecting(
        .violated, of: ["I-SPTE-KIND"], when: file.userAddress == 0, ifMade: Self.runs,
        because: """
          a conversion to private does not zap the guest's shared pages; only the MMU notifier \
          does, if the memslot's userspace_addr maps the file
          """
      )
      .expecting(
        .violated, of: ["I-SPTE-CACHE", "I-LEVEL"], when: file.pressure == 1,
        ifMade: Self.runs,
        because: "unwinding allocates, and what fails then is left as it is")
    file.structureProperties
      .expecting(
        .violated, of: ["I-S", "I-COVER"], when: file.pressure == 1,
        because: "unwinding allocates, and what fails then is left as it is")
    file.invalidationProperties
      .expecting(
        .violated, of: ["I-UNAFFECTED"],
        because: "a hole in a whole block zeroes its folio from byte 0")
    file.sharingProperties
    conversion
    Always(
      "I-RESV-EACH", "who takes a huge page for a block without one finds it reserved",
      cites: "guest-memfd I-RESV"
    ) {
      forAll(Page.self) { p in
        at(Self.takesHuge, p) && file.block[file.blockOf(p)] == .absent ==> file.isReserved
      }
    }
    .expect(
      .violated, when: file.users == 1, because: "two faults take two huge pages for one block"
    )
    .expect(.vacuous, when: file.users == 0, because: "user space touches nothing")
    Possible("rfc-v2-unwinds", "a conversion unwinds all that it did", cites: "guest-memfd §2.4") {
      at(Self.gaveUp)
      !leftBehind
    }
    .expect(.vacuous, at: "guest", because: Self.nobodyHolds)
    progress
  }

  private static let nobodyHolds = "no conversion fails: nobody holds a page"
  private static let runs = [HugePageFile.runName(.private), HugePageFile.runName(.shared)]

  @ListBuilder<Property> private var conversion: [Property] {
    Always(
      "I-ROLLBACK", "a conversion that has failed has changed nothing",
      cites: "guest-memfd I-ROLLBACK"
    ) { !leftBehind }
    .expect(
      .violated, when: file.pressure == 1, because: "unwinding allocates, and that fails as well")
    Always(
      "I-CONV-ATOMIC", "a conversion that answers 0 has converted all of its range",
      cites: "guest-memfd I-CONV-ATOMIC"
    ) { !claimed }
    .expect(
      .violated, when: file.pressure == 1,
      because: "an item of the work list that cannot be allocated is an error that is lost")
    Always(
      "I-S-FORCED", "walking back merges no block in which other pages are shared",
      cites: "guest-memfd I-S", "guest-memfd §2.4"
    ) {
      forAll(HugePage.self) { h in
        forAll(Page.self) { p in
          at(Self.freezesForced, h) && file.isIn(p, h) && file.share[p] == .shared
            ==> at(Self.freezesForced, among(p))
        }
      }
    }
    .expect(.vacuous, when: file.huges == 1, because: "there is no earlier block to walk back to")
    .expect(.vacuous, at: "guest", because: Self.nobodyHolds)
    .expect(
      .violated, when: file.huges > 1 && file.pressure == 1,
      because: "the merge is forced, and the block was split before because of another page")
  }

  @ListBuilder<Property> private var progress: [Property] {
    LeadsTo(
      "P-NOSPIN", "who waits for a block's references gets the block", each: HostThread.self,
      cites: "guest-memfd P-NOSPIN",
      fairness: [.strong(threadsOf: HostThread.self), .weak("folio_put")]
    ) { t in
      at(Self.freezes, t) || at(Self.freezesForced, t)
    } then: { t in
      !at(Self.freezes, t) && !at(Self.freezesForced, t)
    }
    .expect(
      .violated, when: file.huges > 1 && file.pressure == 1,
      because: "a forced merge waits for a page that user space maps or has pinned")
    LeadsTo(
      "P-UNWIND", "unwinding ends", each: HostThread.self, cites: "guest-memfd §2.4",
      fairness: [.strong(threadsOf: HostThread.self), .weak("folio_put")]
    ) { t in
      at(Self.wraps, t)
    } then: { t in
      !at(Self.wraps, t)
    }
    .expect(.vacuous, at: "guest", because: Self.nobodyHolds)
    .expect(
      .violated, when: file.pressure == 1,
      because: "the index is unsigned: it is never below the file's first block")
  }
}
