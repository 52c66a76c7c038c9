import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What the steps of a call know, for proofs at sizes that cannot be enumerated.
///
/// They are for scopes whose callers name good arguments (ARGUMENTS=0) and without memory that
/// fails (POISON=0).
extension GmemMainline {
  @ListBuilder<Property> var lemmas: [Property] {
    userLemmas
    referenceLemmas
    slotLemmas
    invalidationLemmas
    guestLemmas
  }

  private var userLemmas: [Property] {
    [
      // No implications: where no file is mapped these would say nothing, which is all right.
      Lemma("L-U1", "a mapping is of a live file that can be mapped") {
        forAll(File.self) { g in
          !(exists(VMA.self) { m in vmaFile[m] == g } || between(Self.mmapBegins, Self.mapsFile, g))
            || canMap[g] && life[g] == .live
        }
      },
      Lemma("L-U2", "a user fault has a mapping of a file that is shared") {
        forAll(File.self) { g in
          !between(Self.findsMapping, Self.mapsPage, remembering("vm_file", g))
            || canMap[g] && initShared[g] && exists(VMA.self) { m in vmaFile[m] == g }
        }
      },
      Lemma("L-U3", "what user space maps, or is about to map, was zeroed") {
        forAll(File.self) { g in
          forAll(FileIndex.self) { i in
            pte[g, i] || between(Self.getsFolio, Self.mapsPage, remembering("vm_file", g), i)
              ==> folio[g, i] == .uptodate
          }
        }
        poison == 0
          ==> forAll(File.self) { g in
            forAll(FileIndex.self) { i in folio[g, i] != .poisoned }
          }
      },
    ]
  }

  private var referenceLemmas: [Property] {
    [
      Lemma("L-R1", "what has a descriptor, or is in use by a call, is live") {
        forAll(File.self) { g in
          gmem[g] == .open || copied[g] || holding(fdget[g], .shared) ==> life[g] == .live
        }
      },
      Lemma("L-R2", "nobody calls a VM that is destroyed") {
        destroyed
          ==> vmFile == .closed && !inIoctl
          && forAll(VCPU.self) { w in vcpuFile[w] != .open }
      },
      Lemma("L-R3", "one thread releases a file, which is dying meanwhile") {
        forAll(File.self) { g in
          between(Self.lastReference, Self.leavesInode, g) ==> life[g] == .dying
          forAll(HostThread.self) { t in
            forAll(HostThread.self) { u in
              between(Self.lastReference, Self.leavesInode, t, g)
                && between(Self.lastReference, Self.leavesInode, u, g)
                ==> t == u
            }
          }
        }
      },
    ]
  }

  /// The release of the file has taken it from its memslots and not yet from the inode.
  func isLeaving(_ g: Expr<File>) -> Condition { between(Self.losesFile, Self.leavesInode, g) }

  /// The deletion of the memslot has waited for the faults that have seen it.
  func isDeleted(_ s: Expr<MemSlot>) -> Condition { between(Self.syncs, Self.gone, s) }

  private var slotLemmas: [Property] {
    [
      Lemma("L-S1", "who makes and deletes memslots knows their state") {
        forAll(MemSlot.self) { s in
          slot[s] == .bound
            ==> between(Self.binds, Self.activates, s) || between(Self.binds, Self.unbindsAgain, s)
          between(Self.binds, Self.bindEnds, s, remembering(Self.isBoundAlready, false)) ==> slot[s]
            == .bound
          between(Self.binds, Self.bindEnds, s, remembering(Self.isBoundAlready)) ==> slot[s]
            == .absent
          at(Self.activates, s) || between(Self.bindEnds, Self.unbindsAgain, s)
            ==> slot[s] == .bound
          slot[s] == .invalid ==> between(Self.marksInvalid, Self.gone, s)
          between(Self.marksInvalid, Self.gone, s) ==> slot[s] == .invalid
          at(Self.gone, s) || between(Self.unbindsLive, Self.gone, s) ==> slotFile[s] == nil
        }
      },
      Lemma("L-S2", "a memslot that is not there is bound to nothing and has no pages") {
        forAll(MemSlot.self) { s in
          slot[s] == .absent || at(Self.looksAtOverlaps, s)
            || between(Self.looksAtOverlaps, Self.binds, s)
            ==> gfns[s] == .empty && slotFile[s] == nil && slot[s] == .absent
        }
      },
      Lemma("L-S3", "a memslot's file is there and has bindings for all of its pages") {
        forAll(MemSlot.self) { s in
          forAll(File.self) { g in
            slotFile[s] == g
              ==> life[g].in(.live, .dying) && !isLeaving(g)
              && forAll(Page.self) { p in
                gfns[s].contains(p)
                  ==> exists(FileIndex.self) { i in bindings[g, i] == s && backs(i, p, in: s) }
              }
          }
        }
      },
      Lemma("L-S4", "bindings are of memslots that point back, or that a release has passed") {
        forAll(File.self) { g in
          forAll(FileIndex.self) { i in
            forAll(MemSlot.self) { s in
              bindings[g, i] == s
                ==> life[g].in(.live, .dying)
                && (slotFile[s] == g || slotFile[s] == nil && isLeaving(g))
            }
          }
        }
      },
      Lemma("L-S8", "who binds a memslot names its file") {
        forAll(MemSlot.self) { s in
          forAll(File.self) { g in
            between(Self.binds, Self.bindEnds, s, g, remembering(Self.isBoundAlready, false))
              || between(Self.bindEnds, Self.unbindsAgain, s, g)
              ==> slotFile[s] == g
          }
        }
      },
      Lemma("L-S5", "who binds a memslot has found its pages free and the file to have them") {
        forAll(Page.self) { p in
          between(Self.looksAtOverlaps, Self.binds, among(p))
            ==> forAll(MemSlot.self) { s in !gfns[s].contains(p) }
          forAll(Shift.self) { h in
            arguments == 0 && inside(Self.regionName, h, among(p))
              ==> exists(FileIndex.self) { i in
                Condition(.equal(.add(i.node, bias.node), .add(p.node, h.node)))
              }
          }
        }
      },
      Lemma("L-S7", "who unbinds a memslot knows its file") {
        forAll(HostThread.self) { t in
          between(Self.looksForFile, Self.unbindsLive, t)
            ==> exists(File.self) { g in
              between(Self.looksForFile, Self.unbindsLive, t, remembering(Self.ownFile, g))
            }
          between(Self.unbindsLive, Self.gone, t) && !at(Self.gone, t)
            ==> exists(File.self) { g in
              between(Self.unbindsLive, Self.gone, t, remembering(Self.ownFile, g))
            }
        }
      },
      Lemma("L-S6", "good arguments name memslots with files") {
        SlotFlags.allCases.filter { $0 != .guestMemfd }.map { flags in
          arguments == 0 ==> !inside(Self.regionName, remembering("flags", flags))
        }.reduce(Condition(.yes)) { $0 && $1 }
        arguments == 0 ==> !at(Self.hostSlot)
      },
    ]
  }

  private var invalidationLemmas: [Property] {
    [
      Lemma("L-I1", "every invalidation in progress is one thread's") {
        Condition(
          .equal(
            those(HostThread.self) { t in between(Self.begins, Self.ends, t) }.count().node,
            inProgress.node))
        inProgress == 0 ==> hull == .empty
      },
      Lemma("L-I2", "an invalidation that is to begin covers something") {
        forAll(HostThread.self) { t in
          between(Self.findsPages, Self.begins, t) || between(Self.losesFile, Self.begins, t)
            ==> exists(Page.self) { p in
              between(Self.findsPages, Self.begins, t, among("pages of memslots", p))
                || between(Self.losesFile, Self.begins, t, among("pages of memslots", p))
            }
          arguments == 0
            ==> (inside("KVM_SET_MEMORY_ATTRIBUTES", t)
              && !between(Self.storesAttributes, Self.ends, t)
              ==> exists(Page.self) { p in
                inside("KVM_SET_MEMORY_ATTRIBUTES", t, among("range", p))
              })
        }
      },
      Lemma("L-I3", "an attribute is stored while the pages are invalidated") {
        forAll(Page.self) { p in
          at(Self.storesAttributes, among("range", p)) ==> hull.contains(p)
          at(Self.storesAttributes, among("range", p), remembering("private"))
            ==> spte[p].in(.none, .privateFolio)
          at(Self.storesAttributes, among("range", p), remembering("private", false))
            ==> spte[p] != .privateFolio
        }
      },
      Lemma("L-I4", "pages are truncated after those that map them are gone") {
        forAll(HostThread.self) { t in
          forAll(File.self) { g in
            forAll(FileIndex.self) { i in
              forAll(Page.self) { p in
                isBound(p, to: g) { j in j == i } && inside("fallocate", t, g, among("cached", i))
                  ==> between(Self.findsPages, Self.begins, t, among("pages of memslots", p))
                  || between(Self.begins, Self.ends, t) && hull.contains(p) && !mapsFolio(p)
              }
            }
          }
        }
        forAll(HostThread.self) { t in
          forAll(FileIndex.self) { i in
            between(Self.findsPages, Self.truncation, t, i)
              ==> inside("fallocate", t, among("cached", i))
          }
        }
      },
    ]
  }

  func mapsFolio(_ p: Expr<Page>) -> Condition { spte[p].in(.privateFolio, .sharedFolio) }
}
