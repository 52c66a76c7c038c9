import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What faults in flight know, and what the guest has mapped.
extension GmemMainline {
  var guestLemmas: [Property] { kindLemmas + slotOfFaultLemmas + folioLemmas }

  private static let truths = [false, true]

  /// The page has a folio that was zeroed, of a file that it is bound to.
  private func isBacked(_ p: Expr<Page>) -> Condition {
    exists(File.self) { g in
      exists(FileIndex.self) { i in
        isBound(p, to: g) { j in j == i } && folio[g, i].in(.uptodate, .poisoned)
      }
    }
  }

  /// The vCPU's fault has to retry, or will once it looks.
  private func mustRetry(_ v: Expr<VCPU>, _ p: Expr<Page>) -> Condition {
    stale[v] || inProgress > 0 && hull.contains(p)
  }

  private var kindLemmas: [Property] {
    [
      Lemma("L-G1", "the guest maps a page as its attribute says, always") {
        forAll(Page.self) { p in
          spte[p] != .none ==> (spte[p] == .privateFolio) == isPrivate[p]
        }
      },
      Lemma("L-G2", "a fault that need not retry knows the attribute") {
        forAll(Page.self) { p in
          forAll(VCPU.self) { v in
            Self.truths.map { value in
              between(
                Self.snapshots, Self.installs, v, p, remembering(Self.privateAccess, value))
                ==> mustRetry(v, p) || isPrivate[p] == value
            }.reduce(Condition(.yes)) { $0 && $1 }
          }
        }
      },
      Lemma("L-G3", "a fault knows whether the page is the file's") {
        forAll(Page.self) { p in
          forAll(MemSlot.self) { s in
            gfns[s].contains(p)
              && between(
                Self.decidesSource, Self.installs, p, remembering(Self.privateAccess, false),
                remembering(Self.fromFile, false))
              ==> slotKind[s] != .gmemOnly
            gfns[s].contains(p)
              && between(
                Self.decidesSource, Self.installs, p, remembering(Self.privateAccess, false),
                remembering(Self.fromFile))
              ==> slotKind[s] == .gmemOnly
            gfns[s].contains(p) && spte[p] == .sharedFolio ==> slotKind[s] == .gmemOnly
            gfns[s].contains(p) && spte[p] == .host ==> slotKind[s] != .gmemOnly
          }
          !between(
            Self.decidesSource, Self.installs, p, remembering(Self.privateAccess),
            remembering(Self.fromFile, false))
        }
      },
    ]
  }

  /// The memslot is there, and deletion waits for those that have found it.
  private func isThere(_ s: Expr<MemSlot>, _ p: Expr<Page>) -> Condition {
    slot[s].in(.active, .invalid) && gfns[s].contains(p)
  }

  private var slotOfFaultLemmas: [Property] {
    [
      Lemma("L-F1", "a fault in flight has a memslot, whose deletion waits for it") {
        forAll(Page.self) { p in
          between(Self.findsSlot, Self.installs, p)
            ==> exists(MemSlot.self) { s in isThere(s, p) && !isDeleted(s) }
          forAll(MemSlot.self) { s in
            between(Self.findsSlot, Self.findsIndex, p, remembering(Self.foundSlot, s))
              ==> isThere(s, p)
          }
        }
      },
      Lemma("L-F2", "what the guest maps has a memslot, until its deletion unmaps it") {
        forAll(Page.self) { p in
          spte[p] != .none
            ==> exists(MemSlot.self) { s in
              isThere(s, p) && !between(Self.flushes, Self.gone, s)
            }
        }
      },
      Lemma("L-F0", "a fault knows what it has found, and nothing that it has not") {
        forAll(HostThread.self) { t in
          between(Self.findsSlot, Self.findsIndex, t)
            ==> exists(MemSlot.self) { s in
              between(Self.findsSlot, Self.findsIndex, t, remembering(Self.foundSlot, s))
            }
          between(Self.getsFile, Self.faultPutsFile, t)
            ==> exists(File.self) { g in
              between(Self.getsFile, Self.faultPutsFile, t, remembering(Self.ownFile, g))
            }
          between(Self.findsIndex, Self.getsFolio, t)
            ==> exists(FileIndex.self) { i in
              between(Self.findsIndex, Self.getsFolio, t, remembering(Self.foundIndex, i))
            }
        }
        forAll(MemSlot.self) { s in !at(Self.findsSlot, remembering(Self.foundSlot, s)) }
        forAll(FileIndex.self) { i in
          !between(Self.decidesSource, Self.findsIndex, remembering(Self.foundIndex, i))
        }
      },
      Lemma("L-F3", "a fault that has the file finds the binding that the memslot has") {
        forAll(MemSlot.self) { s in
          forAll(File.self) { g in
            between(
              Self.getsFile, Self.findsIndex, remembering(Self.foundSlot, s),
              remembering(Self.ownFile, g))
              ==> slotFile[s] == g
          }
        }
      },
    ]
  }

  /// The thread's fault is about to map a page of a file.
  private func isInstalling(_ t: Expr<HostThread>, _ v: Expr<VCPU>, _ p: Expr<Page>) -> Condition {
    between(Self.decidesSource, Self.installs, t, v, p, remembering(Self.fromFile))
  }

  private var folioLemmas: [Property] {
    [
      Lemma("L-F4", "a fault has the folio of a page that is bound") {
        forAll(Page.self) { p in
          forAll(File.self) { g in
            forAll(FileIndex.self) { i in
              between(
                Self.findsIndex, Self.getsFolio, p, remembering(Self.ownFile, g),
                remembering(Self.foundIndex, i))
                ==> isBound(p, to: g) { j in j == i }
            }
          }
          forAll(VCPU.self) { v in
            forAll(HostThread.self) { t in
              isInstalling(t, v, p) && !between(Self.decidesSource, Self.getsFolio, t)
                ==> mustRetry(v, p) || isBacked(p)
            }
          }
        }
      },
      Lemma("L-F5", "what the guest maps of a file is bound and zeroed, always") {
        forAll(Page.self) { p in mapsFolio(p) ==> isBacked(p) }
      },
      Lemma("L-F6", "a release knows which pages were the file's, and faults on them retry") {
        forAll(File.self) { g in
          forAll(Page.self) { p in
            isBound(p, to: g) { _ in Condition(.yes) } && isLeaving(g)
              ==> between(Self.losesFile, Self.begins, g, among("pages of memslots", p))
              || !mapsFolio(p)
                && forAll(VCPU.self) { v in
                  forAll(HostThread.self) { t in
                    isInstalling(t, v, p) && !at(Self.getsFile, t) ==> mustRetry(v, p)
                  }
                }
          }
        }
      },
    ]
  }
}
