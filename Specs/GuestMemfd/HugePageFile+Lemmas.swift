import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What the steps of a call know, for proofs at sizes that cannot be enumerated.
///
/// They are for blocks that are split down to 4 KiB at once (STAGED=0) and merged early or never.
extension HugePageFile {
  @ListBuilder<Property> var lemmas: [Property] {
    lockLemmas
    conversionLemmas
    userLemmas
    structureLemmas
    faultLemmas
    mappingLemmas
    releaseLemmas
  }

  /// The thread has invalidate_lock.
  private func owns(_ t: Expr<HostThread>) -> Condition {
    between(Self.collects, Self.endsConversion, t)
      || between(Self.punchTakesUsers, Self.endsPunch, t)
  }

  private var isEager: Condition {
    policy == MergePolicy.early || policy == MergePolicy.never
  }

  private func areInHull(_ h: Expr<HugePage>) -> Condition {
    forAll(Page.self) { q in isIn(q, h) ==> hull.contains(q) }
  }

  private var lockLemmas: [Property] {
    [
      Lemma("L-L1", "one thread is past invalidate_lock, and has it") {
        forAll(HostThread.self) { t in
          owns(t) ==> isLocked && gmem == .open
          forAll(HostThread.self) { u in owns(t) && owns(u) ==> t == u }
        }
      },
      Lemma("L-L2", "nobody merges late where conversions merge, or nobody does") {
        isEager
          ==> !inside(Self.mergeName) && !inside(Self.workerName) && !at(Self.looksAtBlock)
          && !at(Self.beginsMerge) && !at(Self.mergesBlock)
          && (inside(Self.bindName) ==> at(Self.storesBinding))
      },
      Lemma("L-L3", "an invalidation in progress is that of a conversion or of a hole") {
        exists(Page.self) { p in hull.contains(p) }
          ==> between(Self.beginsShared, Self.endsConversion)
          || between(Self.beginsPrivate, Self.endsConversion)
          || between(Self.beginsPunch, Self.endsPunch)
          || between(Self.beginsTruncation, Self.endsPunch)
      },
      Lemma("L-L4", "what a failure would have to take back is changed when nothing can fail") {
        changed
          ==> between(Self.beginsShared, Self.endsConversion)
          || between(Self.storesPrivate, Self.endsConversion)
      },
    ]
  }

  private var conversionLemmas: [Property] {
    [
      Lemma("L-C1", "pages to change are as they were until the new shareability is stored") {
        forAll(Page.self) { q in
          between(Self.collects, Self.storesShared, among(q)) ==> share[q] == .private
          between(Self.collects, Self.storesPrivate, among(q)) ==> share[q] == .shared
        }
      },
      Lemma("L-C2", "a frozen block is that of a conversion, and has a page to change") {
        forAll(HugePage.self) { h in
          block[h] == .frozen
            ==> between(Self.freezesSplit, Self.splitsBlocks)
            || between(Self.freezesMerged, Self.mergesBlocks)
          block[h] == .frozen && between(Self.freezesSplit, Self.splitsBlocks)
            ==> exists(Page.self) { q in
              isIn(q, h) && between(Self.freezesSplit, Self.splitsBlocks, among(q))
            }
          block[h] == .frozen && between(Self.freezesMerged, Self.storesPrivate)
            ==> exists(Page.self) { q in
              isIn(q, h) && between(Self.freezesMerged, Self.storesPrivate, among(q))
            }
        }
      },
      Lemma("L-C3", "an invalidation covers whole blocks") {
        forAll(Page.self) { q in
          between(Self.beginsShared, Self.storesShared, among(q))
            || between(Self.beginsPrivate, Self.storesPrivate, among(q))
            || between(Self.beginsPunch, Self.endsPunch, q)
            || between(Self.beginsTruncation, Self.endsPunch, q)
            ==> areInHull(blockOf(q))
        }
        forAll(HugePage.self) { h in
          block[h] == .frozen
            && (between(Self.beginsShared, Self.splitsBlocks)
              || between(Self.beginsPrivate, Self.mergesBlocks))
            ==> areInHull(h)
        }
      },
      Lemma("L-C7", "what an invalidation covers are whole blocks, of all its calls") {
        forAll(Page.self) { p in hull.contains(p) ==> areInHull(blockOf(p)) }
      },
      Lemma("L-C4", "a page that turns shared is a folio of its own by then") {
        forAll(Page.self) { q in
          between(Self.freezesSplit, Self.splitsBlocks, among(q))
            ==> block[blockOf(q)] != .whole && (block[blockOf(q)] == .split ==> midSplit[midOf[q]])
          between(Self.splitsBlocks, Self.storesShared, among(q))
            ==> block[blockOf(q)] != .whole && (block[blockOf(q)] == .split ==> midSplit[midOf[q]])
        }
      },
      Lemma("L-C6", "a block that is to be merged has no page that stays shared") {
        forAll(HugePage.self) { h in
          staged == 0 && block[h] == .frozen && between(Self.storesPrivate, Self.mergesBlocks)
            ==> !hasShared(h)
        }
        forAll(Page.self) { q in
          staged == 0 && block[blockOf(q)] == .frozen && share[q] == .shared
            && between(Self.freezesMerged, Self.storesPrivate)
            ==> between(Self.freezesMerged, Self.storesPrivate, among(q))
        }
      },
      Lemma("L-C5", "merging early: a block that stays split keeps a shared page") {
        forAll(HugePage.self) { h in
          policy == MergePolicy.early && block[h] == .split
            ==> hasShared(h)
            || exists(Page.self) { q in
              isIn(q, h) && between(Self.splitsBlocks, Self.storesShared, among(q))
            }
          policy == MergePolicy.early && block[h] == .split
            && between(Self.freezesMerged, Self.storesPrivate)
            ==> exists(Page.self) { q in
              isIn(q, h) && share[q] == .shared
                && !between(Self.freezesMerged, Self.storesPrivate, among(q))
            }
        }
      },
    ]
  }

  private var userLemmas: [Property] {
    [
      Lemma("L-U1", "who turns pages private has taken them from user space") {
        forAll(Page.self) { q in
          between(Self.unmapsUsers, Self.storesPrivate, among(q)) ==> !userPTE[q]
          between(Self.freezesMerged, Self.storesPrivate, among(q)) ==> pinned != q
        }
      },
      Lemma("L-U2", "who truncates a block has taken it from user space") {
        forAll(Page.self) { p in
          between(Self.punchTakesUsers, Self.truncates, p)
            ==> forAll(Page.self) { q in isIn(q, blockOf(p)) ==> !userPTE[q] }
        }
      },
      Lemma("L-U3", "user space maps pages of an open file only") {
        forAll(Page.self) { q in userPTE[q] ==> gmem == .open }
      }
      .expect(.vacuous, when: users == 0, because: "user space touches nothing"),
    ]
  }

  private var structureLemmas: [Property] {
    [
      Lemma("L-S1", "shared pages are folios of 4 KiB, also during a conversion") {
        forAll(HugePage.self) { h in block[h] == .whole ==> !hasShared(h) }
        forAll(Page.self) { q in
          share[q] == .shared && block[blockOf(q)] == .split ==> midSplit[midOf[q]]
        }
      },
      Lemma("L-S2", "a block that is one folio has no parts; a split one has nothing else") {
        forAll(MidPage.self) { m in
          block[blockOf[m]].in(.whole, .absent, .leaving) ==> !midSplit[m]
          staged == 0 && block[blockOf[m]] == .split ==> midSplit[m]
        }
      },
      Lemma("L-S3", "a block that will be merged was split") {
        forAll(HugePage.self) { h in
          block[h] == .frozen && between(Self.freezesMerged, Self.mergesBlocks) ==> stash[h]
        }
      },
    ]
  }

  private var faultLemmas: [Property] {
    [
      Lemma("L-F1", "one thread runs a vCPU") {
        forAll(VCPU.self) { v in
          fault[v] == .none ==> !isFaulting(v)
          forAll(HostThread.self) { t in
            forAll(HostThread.self) { u in isFaulting(v, t) && isFaulting(v, u) ==> t == u }
          }
        }
      },
      Lemma("L-F2", "a fault in flight that nothing has overtaken found the page as it is") {
        forAll(VCPU.self) { v in
          forAll(Page.self) { p in
            isFresh(.private, v, p) ==> share[p] == .private
            isFresh(.shared, v, p) ==> share[p] == .shared
          }
          fault[v] == .fresh ==> (bound || inside(Self.deleteName)) && gmem != .released
        }
      },
      Lemma("L-F3", "what it found out about the folio is so") {
        forAll(VCPU.self) { v in
          forAll(Page.self) { p in
            isPast(.shared, v, p) ==> isThere(blockOf(p))
            isPast(.private, v, p) ==> isThere(blockOf(p)) && fits(v, p)
          }
        }
      },
    ]
  }

  private func isFaulting(_ v: Expr<VCPU>, _ t: Expr<HostThread>? = nil) -> Condition {
    [Share.private, .shared].map { access in
      if let t {
        between(Self.snapshots(access), Self.installs(access), t, v)
      } else {
        between(Self.snapshots(access), Self.installs(access), v)
      }
    }.reduce(Condition(.no)) { $0 || $1 }
  }

  private func isFresh(_ access: Share, _ v: Expr<VCPU>, _ p: Expr<Page>) -> Condition {
    between(Self.snapshots(access), Self.installs(access), v, p) && fault[v] == .fresh
      && !hull.contains(p)
  }

  /// The same, past kvm_gmem_get_pfn.
  private func isPast(_ access: Share, _ v: Expr<VCPU>, _ p: Expr<Page>) -> Condition {
    between(Self.getsPFN(access), Self.installs(access), v, p) && fault[v] == .fresh
      && !hull.contains(p)
  }

  private func isThere(_ h: Expr<HugePage>) -> Condition { block[h].in(.whole, .split, .frozen) }

  /// The size is one that the folio allows, and the RMP.
  private func fits(_ v: Expr<VCPU>, _ p: Expr<Page>) -> Condition {
    let m = midOf[p]
    let h = blockOf(p)
    let isSNP = protection == HostProtection.snp
    return
      (faultSize[v] == .huge
      ==> block[h].in(.whole, .frozen) && !hasShared(h) && !isSNP
      && forAll(MidPage.self) { o in blockOf[o] == h ==> !midSplit[o] })
      && (faultSize[v] == .mid
        ==> !hasShared(m) && !midSplit[m]
        && (isSNP || staged == 1 && block[h] != .whole))
      && (faultSize[v] == .small
        ==> midSplit[m] || isSNP && assigned[p] && !midRMP[m])
      && (isSNP && faultSize[v] == .mid
        ==> midRMP[m] && forAll(Page.self) { q in midOf[q] == m ==> assigned[q] })
  }

  private var mappingLemmas: [Property] {
    [
      Lemma("L-G1", "the guest maps a page as what it is, also during an invalidation") {
        forAll(Page.self) { p in
          spte[p] == .shared ==> share[p] == .shared
          mapsPrivate(p) ==> share[p] == .private
        }
      },
      Lemma("L-G2", "pages that turn shared or private are not mapped when that is stored") {
        forAll(Page.self) { q in
          protection != HostProtection.tdx
            && between(Self.beginsShared, Self.storesShared, among(q))
            || between(Self.zapsPrivate, Self.storesShared, among(q)) ==> !isMapped(q)
          between(Self.beginsPrivate, Self.storesPrivate, among(q)) ==> spte[q] == .none
        }
      },
      Lemma("L-G3", "an entry is no larger than the folio, also during an invalidation") {
        forAll(HugePage.self) { h in
          hugeSPTE[h]
            ==> block[h].in(.whole, .frozen) && protection != HostProtection.snp
            && forAll(MidPage.self) { m in blockOf[m] == h ==> !midSplit[m] }
          staged == 0 && block[h] == .frozen
            && (protection != HostProtection.tdx && between(Self.beginsShared, Self.splitsBlocks)
              || between(Self.zapsPrivate, Self.splitsBlocks))
            ==> !hugeSPTE[h] && forAll(MidPage.self) { m in blockOf[m] == h ==> !midSPTE[m] }
        }
        forAll(MidPage.self) { m in
          staged == 0 && block[blockOf[m]] == .frozen && at(Self.zapsPrivate) ==> !midSPTE[m]
          midSPTE[m] ==> !midSplit[m]
        }
      },
      Lemma("L-G4", "what the guest maps is in the file, and the memslot is there") {
        forAll(Page.self) { p in
          isMapped(p) ==> isThere(blockOf(p)) && (bound || inside(Self.deleteName))
          protection != HostProtection.tdx && between(Self.beginsTruncation, Self.truncates, p)
            || between(Self.zapsBlock, Self.truncates, p)
            ==> forAll(Page.self) { q in isIn(q, blockOf(p)) ==> !isMapped(q) }
        }
      },
      Lemma("L-G6", "TDX: once demoted, no entry reaches beyond the pages that will be zapped") {
        forAll(Page.self) { p in
          forAll(Page.self) { q in
            protection == HostProtection.tdx && at(Self.zapsPrivate, among(p))
              && (midSPTE[midOf[p]] && midOf[p] == midOf[q]
                || hugeSPTE[blockOf(p)] && blockOf(p) == blockOf(q))
              ==> at(Self.zapsPrivate, among(q))
          }
        }
      }
      .expect(
        .vacuous, when: protection != HostProtection.tdx, because: "nothing is demoted"),
      Lemma("L-G5", "the RMP says the guest's of private pages only") {
        forAll(Page.self) { q in
          assigned[q] ==> share[q] == .private && protection == HostProtection.snp
          between(Self.releasesRMP, Self.storesShared, among(q)) ==> !assigned[q]
        }
        forAll(MidPage.self) { m in
          midRMP[m] ==> forAll(Page.self) { p in midOf[p] == m ==> assigned[p] }
          midSPTE[m] && protection == HostProtection.snp ==> midRMP[m]
        }
      },
    ]
  }

  private var releaseLemmas: [Property] {
    [
      Lemma("L-R1", "one thread closes the file") {
        forAll(HostThread.self) { t in
          inside(Self.closeName, t) ==> gmem == .closing
          forAll(HostThread.self) { u in
            inside(Self.closeName, t) && inside(Self.closeName, u) ==> t == u
          }
        }
      },
      Lemma("L-R2", "a file that the guest has lost stays so") {
        at(Self.evicts) || gmem == .released
          ==> !bound && forAll(Page.self) { p in !isMapped(p) }
          && forAll(VCPU.self) { v in fault[v] != .fresh }
      }
      .expect(.vacuous, unlessMade: [Self.closeName], because: "no thread closes the file"),
      Lemma("L-R3", "one thread changes memslots, and has slots_lock") {
        forAll(HostThread.self) { t in
          inside(Self.deleteName, t) || inside(Self.bindName, t) ==> holding(slotsLock) && !bound
          forAll(HostThread.self) { u in
            (inside(Self.deleteName, t) || inside(Self.bindName, t))
              && (inside(Self.deleteName, u) || inside(Self.bindName, u)) ==> t == u
          }
        }
      },
    ]
  }
}
