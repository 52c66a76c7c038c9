import SpecLanguage
import TDXModuleSpecs

/// What happens in the end. Threads inside a call are strongly fair: they are scheduled, and the
/// locks they wait for are fair (mutexes hand over, rwlock_t queues). Nobody has to make a call.
extension KVMState {
  /// A file that begins to close is released, whatever the other threads do.
  package var closeEnds: Property {
    LeadsTo(
      "L-2", "a close of a guest_memfd file that has begun ends", each: File.self,
      cites: "kvm-tdx L-2", fairness: [.strong(threadsOf: HostThread.self)]
    ) { f in
      gmem[f] == .closing
    } then: { f in
      gmem[f] == .released
    }
  }

  /// A memslot deletion that has begun ends, even if other threads hammer the slot.
  ///
  /// Strong fairness stands for SRCU's grace periods, which wait for the readers that are there
  /// already; this model waits for a moment without readers.
  package var slotDeletionEnds: Property {
    LeadsTo(
      "L-5", "a memslot deletion that has marked the slot INVALID ends", each: File.self,
      cites: "kvm-tdx L-5", fairness: [.strong(threadsOf: HostThread.self)]
    ) { f in
      slot[f] == .invalid
    } then: { f in
      slot[f] == .absent
    }
  }

  /// Once the file of a page is closed, the page comes back whole: to the host and from the TD.
  package var memoryComesBackInTheEnd: Property {
    LeadsTo(
      "L-12", "the pages of a file that closes go back to the host, free of the TD",
      each: Page.self, cites: "kvm-tdx L-12", fairness: [.strong(threadsOf: HostThread.self)]
    ) { p in
      gmem[fileOf[p]] == .closing
    } then: { p in
      !folio[p] && td.isFree(p)
    }
    .expect(
      .violated, when: finaliseRaces, because: "a removal fails while the TD is finalised, see S-8")
  }
}
