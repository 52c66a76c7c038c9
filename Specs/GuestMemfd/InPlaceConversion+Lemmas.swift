import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What the steps of a call know, for proofs at sizes that cannot be enumerated.
extension InPlaceConversion {
  @ListBuilder<Property> var lemmas: [Property] {
    conversionLemmas
    userLemmas
    guestLemmas
    slotLemmas
  }

  /// Nobody in user space holds the folio.
  private func isAlone(_ p: Expr<Page>) -> Condition {
    !sharing.userPTE[p] && sharing.pinned != p && !sharing.faulting[p]
  }

  private func isMapped(_ p: Expr<Page>, as kind: GuestMapping) -> Condition {
    spte[p] == .none || spte[p] == kind
  }

  private var conversionLemmas: [Property] {
    [
      Lemma("L-C1", "a conversion knows that user space has let go of the folios it is past") {
        forAll(Page.self) { p in
          between(PageSharing.unmaps, PageSharing.letsGo, taken(p))
            && !between(PageSharing.unmaps, PageSharing.letsGo, p)
            ==> isAlone(p)
          at(PageSharing.letsGo, among(p))
            || between(PageSharing.letsGo, Self.storesPrivate, among(p))
            ==> isAlone(p)
        }
      },
      Lemma("L-C2", "a range is of one file") {
        forAll(Page.self) { p in
          forAll(File.self) { f in
            inside(PageSharing.convertName, f, among(p)) ==> fileOf[p] == f
          }
        }
      },
      Lemma("L-C7", "a conversion looks at the folios of its range") {
        forAll(Page.self) { p in
          forAll(HostThread.self) { t in
            at(PageSharing.looksAtFolio, t, p) || at(PageSharing.counts, t, p)
              || between(PageSharing.unmaps, PageSharing.letsGo, t, taken(p))
              ==> inside(PageSharing.convertName, t, among(p))
          }
        }
      },
      Lemma("L-C3", "between begin and store the guest maps the range as it will be") {
        forAll(Page.self) { p in
          between(Self.beginsPrivate, Self.storesPrivate, among(p)) ==> isMapped(p, as: .private)
          between(Self.beginsShared, Self.storesShared, among(p)) ==> isMapped(p, as: .shared)
          at(Self.storesShared, among(p)) && backend == Backend.snp ==> !assigned[p]
          assigned[p] ==> backend == Backend.snp
        }
      },
      Lemma("L-C4", "an invalidation in progress is somebody's") {
        forAll(File.self) { f in
          invalidating[f]
            ==> between(Self.beginsPrivate, Self.ends, f)
            || between(Self.beginsShared, Self.ends, f)
            || between(Self.beginsRelease, Self.endsRelease, f)
            || exists(Page.self) { p in
              fileOf[p] == f && between(Self.beginsPunch, Self.endsPunch, p)
            }
        }
      },
      Lemma("L-C6", "from begin to end an invalidation is in progress") {
        forAll(File.self) { f in
          between(Self.beginsPrivate, Self.ends, f) || between(Self.beginsShared, Self.ends, f)
            || between(Self.beginsRelease, Self.endsRelease, f)
            ==> invalidating[f]
        }
        forAll(Page.self) { p in
          between(Self.beginsPunch, Self.endsPunch, p) ==> invalidating[fileOf[p]]
        }
      },
      Lemma("L-C5", "an attribute is stored after everything that can fail") {
        forAll(File.self) { f in
          stored.contains(f)
            ==> between(Self.storesPrivate, Self.ends, f)
            || between(Self.storesShared, Self.ends, f)
        }
      },
    ]
  }

  private var userLemmas: [Property] {
    [
      Lemma("L-U1", "only an open file is mapped") {
        forAll(File.self) { f in sharing.mapped[f] ==> gmem[f] == .open }
      },
      Lemma("L-U2", "a user fault holds what it has found") {
        forAll(Page.self) { p in
          between(PageSharing.findsFolio, PageSharing.installsPTE, p)
            ==> sharing.faulting[p] && sharing.cached[p] && sharing.attribute[p] == .shared
            && sharing.mapped[fileOf[p]]
          sharing.faulting[p] ==> between(PageSharing.findsFolio, PageSharing.installsPTE, p)
          between(PageSharing.findsMapping, PageSharing.installsPTE, p)
            ==> sharing.mapped[fileOf[p]]
        }
      },
      Lemma("L-U4", "one thread is past finding the folio, and has it locked") {
        forAll(Page.self) { p in
          forAll(HostThread.self) { t in
            between(PageSharing.findsFolio, PageSharing.installsPTE, t, p)
              ==> holding(sharing.folioLock[p])
            forAll(HostThread.self) { u in
              between(PageSharing.findsFolio, PageSharing.installsPTE, t, p)
                && between(PageSharing.findsFolio, PageSharing.installsPTE, u, p)
                ==> t == u
            }
          }
        }
      },
      Lemma("L-U3", "what is mapped, pinned or held is in the file") {
        forAll(Page.self) { p in
          sharing.pinned == p || sharing.held == p || sharing.batched[p] ==> sharing.cached[p]
          sharing.pinned == p ==> sharing.attribute[p] == .shared
        }
      },
    ]
  }

  private var guestLemmas: [Property] {
    [
      Lemma("L-G1", "the guest maps a page as what it is, also during an invalidation") {
        forAll(Page.self) { p in
          spte[p] == .private ==> sharing.attribute[p] == .private
          spte[p] == .shared ==> sharing.attribute[p] == .shared
        }
      },
      Lemma("L-G2", "a fault in flight that is not stale found the page as it is") {
        forAll(Page.self) { p in
          forAll(VCPU.self) { v in
            isFresh(.private, v, p) ==> sharing.attribute[p] == .private
            isFresh(.shared, v, p) ==> sharing.attribute[p] == .shared || gmem[fileOf[p]] != .open
            isPast(.shared, v, p) ==> sharing.attribute[p] == .shared
          }
        }
      },
      Lemma("L-G3", "a fault in flight that is not stale has a folio of a file that is bound") {
        forAll(Page.self) { p in
          forAll(VCPU.self) { v in
            isPast(.private, v, p) || isPast(.shared, v, p)
              ==> sharing.cached[p] && (bound[fileOf[p]] || isUnbinding(fileOf[p]))
          }
        }
      },
      Lemma("L-G4", "what the guest maps is in the file, and the file is bound") {
        forAll(Page.self) { p in
          spte[p] != .none ==> sharing.cached[p] || between(Self.beginsPunch, Self.endsPunch, p)
          spte[p] != .none ==> bound[fileOf[p]] || isUnbinding(fileOf[p])
        }
      },
      Lemma("L-G5", "a hole that is punched is no page of the guest's") {
        forAll(Page.self) { p in
          between(Self.beginsPunch, Self.endsPunch, p) ==> spte[p] == .none
        }
        forAll(File.self) { f in
          between(Self.beginsRelease, Self.evicts, f)
            ==> forAll(Page.self) { p in fileOf[p] == f ==> spte[p] == .none }
        }
      },
    ]
  }

  /// A fault past its snapshot, of a page that no invalidation has touched since.
  private func isFresh(_ access: Share, _ v: Expr<VCPU>, _ p: Expr<Page>) -> Condition {
    between(Self.snapshots(access), Self.installs(access), v, p) && !stale[v]
      && !invalidating[fileOf[p]]
  }

  /// The same, past kvm_gmem_get_pfn.
  private func isPast(_ access: Share, _ v: Expr<VCPU>, _ p: Expr<Page>) -> Condition {
    between(Self.getsPFN, Self.installs(access), v, p) && !stale[v] && !invalidating[fileOf[p]]
  }

  private func isUnbinding(_ f: Expr<File>) -> Condition {
    between(Self.unbindsAll, Self.beginsRelease, f)
  }

  private var slotLemmas: [Property] {
    [
      Lemma("L-S1", "a fault in flight has a memslot") {
        forAll(Page.self) { p in
          between(Self.snapshots(.private), Self.installs(.private), p)
            || between(Self.snapshots(.shared), Self.installs(.shared), p)
            ==> slot[fileOf[p]].in(.active, .invalid) && !isDeleted(fileOf[p])
        }
      },
      Lemma("L-S2", "a memslot that is not there has no pages mapped") {
        forAll(Page.self) { p in
          slot[fileOf[p]].in(.absent, .prepared) || between(Self.unmapsSlot, Self.gone, fileOf[p])
            ==> spte[p] == .none
        }
      },
      Lemma("L-S3", "who makes and deletes memslots knows their state") {
        forAll(File.self) { f in
          between(Self.findsNone, Self.prepares, f) ==> slot[f] == .absent
          slot[f] == .prepared ==> between(Self.prepares, Self.activates, f)
          between(Self.prepares, Self.activates, f) ==> slot[f] == .prepared && gmem[f] == .open
          at(Self.syncs, f) || between(Self.syncs, Self.gone, f) ==> slot[f] == .invalid
          slot[f] == .invalid ==> at(Self.syncs, f) || between(Self.syncs, Self.gone, f)
          at(Self.gone, f) || between(Self.unbinds, Self.gone, f) ==> !bound[f]
          at(Self.prepares, f) ==> slot[f] == .absent && gmem[f] == .open
          between(Self.binds, Self.activates, f) ==> bound[f]
          slot[f] == .active && gmem[f] == .open ==> bound[f]
        }
      },
      Lemma("L-S4", "a file that is released is bound to nothing") {
        forAll(File.self) { f in
          at(Self.evicts, f) || between(Self.unbindsAll, Self.evicts, f)
            ==> !bound[f] && gmem[f] == .closing
          gmem[f] == .released ==> !bound[f]
          inside("close(guest_memfd)", f) ==> gmem[f] == .closing
        }
      },
      Lemma("L-S5", "one thread releases a file") {
        forAll(File.self) { f in
          forAll(HostThread.self) { t in
            forAll(HostThread.self) { u in
              inside("close(guest_memfd)", t, f) && inside("close(guest_memfd)", u, f) ==> t == u
            }
          }
        }
      },
    ]
  }

  /// synchronize_srcu has returned.
  private func isDeleted(_ f: Expr<File>) -> Condition { between(Self.syncs, Self.gone, f) }
}
