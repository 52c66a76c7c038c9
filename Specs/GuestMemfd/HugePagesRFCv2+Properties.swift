import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

extension HugePagesRFCv2 {
  @ListBuilder<Property> public var properties: [Property] {
    file.mappingProperties
    file.structureProperties
    file.invalidationProperties
    file.sharingProperties
    Always(
      "I-ROLLBACK", "a conversion that has failed has changed nothing",
      cites: "guest-memfd I-ROLLBACK"
    ) { !leftBehind }
    Always(
      "I-CONV-ATOMIC", "a conversion that answers 0 has converted all of its range",
      cites: "guest-memfd I-CONV-ATOMIC"
    ) { !claimed }
    Always(
      "I-RESV-EACH", "who takes a huge page for a block without one finds it reserved",
      cites: "guest-memfd I-RESV"
    ) {
      forAll(Page.self) { p in
        at(Self.takesHuge, p) && file.block[file.blockOf(p)] == .absent ==> file.isReserved
      }
    }
    Possible("rfc-v2-unwinds", "a conversion unwinds all that it did", cites: "guest-memfd §2.4") {
      at(Self.gaveUp)
      !leftBehind
    }
    LeadsTo(
      "P-NOSPIN", "who waits for a block's references gets the block", each: HostThread.self,
      cites: "guest-memfd P-NOSPIN",
      fairness: [.strong(threadsOf: HostThread.self), .weak("folio_put")]
    ) { t in
      at(Self.freezes, t)
    } then: { t in
      !at(Self.freezes, t)
    }
    LeadsTo(
      "P-UNWIND", "unwinding ends", each: HostThread.self, cites: "guest-memfd §2.4",
      fairness: [.strong(threadsOf: HostThread.self), .weak("folio_put")]
    ) { t in
      at(Self.wraps, t)
    } then: { t in
      !at(Self.wraps, t)
    }
  }
}
