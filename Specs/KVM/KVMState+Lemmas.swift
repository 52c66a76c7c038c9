import SpecLanguage
import TDXModuleSpecs

/// What holds between the steps, for proofs by induction.
extension KVMState {
  /// The HKID, the life cycle and the vCPUs, whatever the locking of the release.
  package var releaseLemmas: [Property] {
    [
      Lemma("C-1", "a TD that is there from the start stays built, and nobody looks how far") {
        td.created == 0
          || td.isThereFromTheStart && build == .runnable
            && forAll(VCPU.self) { v in vcpu[v] == .initialized }
            && !at(Self.lookAtTD) && !at(Self.lookAtVCPU)
      },
      Lemma("H-1", "KVM frees the HKID once the TD is torn down") {
        at(Self.freeName) ==> td.isTornDown
      },
      Lemma("H-2", "only a runnable TD has associated vCPUs") {
        !td.isRunnable ==> forAll(VCPU.self) { v in !td.associated[v] }
      },
      Lemma("H-3", "a vCPU in the guest is on its way to a TD exit") {
        forAll(VCPU.self) { v in td.running[v] ==> at("TD exit", v) }
      },
    ]
  }

  /// Where a vCPU cannot enter the guest any more once it was flushed.
  package var listLemmas: [Property] {
    [
      Lemma("H-7", "a vCPU that is associated, or about to be, is on a CPU's list") {
        forAll(VCPU.self) { v in
          td.associated[v] || between("vcpu_load", "TDH.VP.ENTER", v) ==> loaded[v]
          at(Self.takeOff, v) ==> !td.associated[v]
        }
      }
    ]
  }

  /// Where no vCPU goes on a CPU's list during the release.
  ///
  /// - Parameter calls: those that release the HKID.
  package func flushLemmas(in calls: [String]) -> [Property] {
    [
      Lemma("H-8", "a release of the HKID has flushed the vCPUs that it is past") {
        forAll(VCPU.self) { v in
          calls.map { inside($0, taken(v)) }.reduce(Condition(.no)) { $0 || $1 }
            ==> !loaded[v] || calling("TDH.VP.FLUSH", v)
            || at(Self.takeOff, v) || td.created == 0 && at(Self.lookAtVCPU, v)
          flushed ==> !loaded[v]
        }
      }
    ]
  }

  /// Where kvm_destroy_vm comes last.
  ///
  /// - Parameters:
  ///   - destroying: it has begun.
  ///   - destroy: its name.
  package func destroyLemmas(_ destroying: Var<Bool>, _ destroy: String) -> [Property] {
    [
      Lemma("D-1", "while the VM is destroyed nobody can reach it") {
        destroying ==> !vmOpen && filesAreGone
        !vmOpen ==> !inIoctl
      },
      Lemma("D-2", "only kvm_destroy_vm takes the HKID away") {
        inside(destroy) ==> destroying
        isBuilt && (!td.isRunnable || !hkidAssigned) ==> destroying
      },
      Lemma("D-3", "one thread destroys the VM") {
        forAll(HostThread.self) { t in
          forAll(HostThread.self) { u in inside(destroy, t) && inside(destroy, u) ==> t == u }
        }
      },
    ]
  }

  /// Where nothing gets in the way of the release, and the HKID does not go away under a removal.
  ///
  /// - Parameter evicts: close(guest_memfd) is about to give the file's folios back.
  package func memoryLemmas(
    _ withoutHKID: WithoutHKID,
    evicts: (Expr<File>) -> Condition = { f in at(KVMState.evictName, f) }
  ) -> [Property] {
    let lemmas =
      lifeLemmas + removalLemmas(withoutHKID) + reclaimLemmas(withoutHKID)
      + mappingLemmas(evicts) + fileLemmas(evicts) + cacheLemmas(evicts)
    return lemmas.expecting(
      .violated, of: ["M-1", "M-3", "M-6", "M-8", "M-10", "M-14", "M-19"], when: finaliseRaces,
      because: "a removal fails while the TD is finalised, see S-8"
    ).expecting(
      .violated, of: ["M-6"], when: td.created == 0 && faults == 2, because: "no key may be left")
  }

  /// Where the release is done again while some vCPU is associated.
  package var retryLemmas: [Property] {
    let failed = answered(.flushVPNotDone)
    return [
      Lemma("H-9", "the TD is runnable and has its HKID when vCPUs are to be flushed again") {
        at("releases mmu_lock for write", failed) || at("looks whether to repeat", failed)
          ==> td.isRunnable && hkidAssigned
        !calling("TDH.PHYMEM.CACHE.WB", failed) && !calling("TDH.MNG.KEY.FREEID", failed)
          && !at("tdx_hkid_free: the HKID goes back to the pool", failed)
      }
    ]
  }

  private var lifeLemmas: [Property] {
    [
      Lemma("H-4", "while vCPUs are flushed the TD is runnable and has its HKID") {
        at("takes the next VCPU") || calling("TDH.VP.FLUSH") || at(Self.takeOff) || flushed
          ==> td.hasHKID && hkidAssigned
      },
      Lemma("H-5", "the TD is BLOCKED from VPFLUSHDONE to KEY.FREEID, and has its HKID") {
        td.isBlocked
          == (calling("TDH.PHYMEM.CACHE.WB") || calling("TDH.MNG.KEY.FREEID"))
        td.isBlocked ==> hkidAssigned
      },
      Lemma("H-6", "the caches are written back before KEY.FREEID, the HKID goes after it") {
        calling("TDH.MNG.KEY.FREEID") ==> td.cachesWritten
        td.isTornDown && hkidAssigned ==> at(Self.freeName)
      },
    ]
  }

  private static var takeOff: String { "takes the vCPU off its CPU's list" }

  /// Some thread that releases the HKID has flushed the vCPUs, and TDH.MNG.VPFLUSHDONE comes next.
  private var flushed: Condition {
    at("takes tdx_lock") || between("takes tdx_lock", "TDH.MNG.VPFLUSHDONE completes")
  }

  private static var kick: String { "kicks all vCPUs and waits until they left the guest" }
  private static var truncate: String { "truncates: the folio goes back to the host" }
  /// Where mainline evicts an inode.
  package static var evictName: String { "the inode is evicted: its folios go back to the host" }
  private static var find: String { "finds the memslot and takes the folio" }

  private static var restore: String { "KVM_BUG_ON, the SPTE is restored" }

  /// Some thread has set the page's SPTE and not yet added it to the TD.
  private func adding(_ p: Expr<Page>) -> Condition {
    calling("TDH.MEM.PAGE.AUG", p) || at(Self.restore, p)
      || td.created == 0 && calling("TDH.MEM.PAGE.ADD", p)
  }

  private func adding(_ p: Expr<Page>, _ t: Expr<HostThread>) -> Condition {
    calling("TDH.MEM.PAGE.AUG", t, p) || at(Self.restore, t, p)
      || td.created == 0 && calling("TDH.MEM.PAGE.ADD", t, p)
  }

  /// Some thread has cleared the page's SPTE and not yet taken it from the TD.
  private func removing(_ p: Expr<Page>, _ withoutHKID: WithoutHKID) -> Condition {
    let dynamic =
      calling("TDH.MEM.RANGE.BLOCK", p) || calling("TDH.MEM.TRACK", p) || at(Self.kick, p)
      || calling("TDH.MEM.PAGE.REMOVE", p) || td.created == 0 && at(Self.lookAtTD, p)
    return switch withoutHKID {
    case .bug: dynamic
    case .reclaim: dynamic || calling("TDH.PHYMEM.PAGE.RECLAIM", p)
    }
  }

  private func removalLemmas(_ withoutHKID: WithoutHKID) -> [Property] {
    [
      Lemma("M-1", "a page has no mirror SPTE while it is removed, then it is free") {
        forAll(Page.self) { p in
          !mirror[p] ==> td.isFree(p) || removing(p, withoutHKID)
          removing(p, withoutHKID) ==> !mirror[p]
        }
      },
      Lemma("M-3", "a page's S-EPT entry is as its removal's next SEAMCALL needs it") {
        forAll(Page.self) { p in
          calling("TDH.MEM.RANGE.BLOCK", p) ==> td.sept[p] == .mapped
          calling("TDH.MEM.TRACK", p) ==> td.sept[p] == .blocked
          at(Self.kick, p) || calling("TDH.MEM.PAGE.REMOVE", p)
            ==> td.sept[p] == .trackedOnce || !td.isFinalised && td.sept[p] == .blocked
          calling("TDH.PHYMEM.PAGE.WBINVD", p) ==> td.isFree(p)
        }
      },
      Lemma("M-4", "vCPUs of an older epoch are in the guest only while they are kicked") {
        td.olderEpochsLeft || at(Self.kick)
      },
      Lemma("M-5", "a TD whose pages are removed is runnable and has its HKID") {
        calling("TDH.MEM.RANGE.BLOCK") || calling("TDH.MEM.TRACK") || at(Self.kick)
          || calling("TDH.MEM.PAGE.REMOVE") ==> td.isRunnable && hkidAssigned
      },
      Lemma("M-6", "nothing is on its way to a KVM_BUG_ON") {
        !at("KVM_BUG_ON")
      },
      Lemma("M-10", "no fault finds its page taken, or the TD not running") { !at(Self.restore) },
    ]
  }

  private func reclaimLemmas(_ withoutHKID: WithoutHKID) -> [Property] {
    switch withoutHKID {
    case .bug: []
    case .reclaim:
      [
        Lemma("M-2", "PAGE.RECLAIM comes to a mapped page of a torn-down TD") {
          calling("TDH.PHYMEM.PAGE.RECLAIM") ==> td.isTornDown
          forAll(Page.self) { p in
            calling("TDH.PHYMEM.PAGE.RECLAIM", p) ==> td.sept[p] == .mapped
          }
        }
      ]
    }
  }

  private func mappingLemmas(_ evicts: (Expr<File>) -> Condition) -> [Property] {
    [
      Lemma("M-7", "a page with a mirror SPTE is mapped or being added") {
        forAll(Page.self) { p in mirror[p] ==> td.sept[p] == .mapped || adding(p) }
      },
      Lemma("M-8", "a page is added by one thread, is free, has a folio and stays valid") {
        forAll(Page.self) { p in
          adding(p) ==> mirror[p] && td.isFree(p) && folio[p] && !invalidating[fileOf[p]]
          forAll(HostThread.self) { t in
            forAll(HostThread.self) { u in adding(p, t) && adding(p, u) ==> t == u }
          }
        }
      },
      Lemma("M-9", "a fault whose folio went away, or is about to, notices") {
        forAll(VCPU.self) { v in
          forAll(Page.self) { p in
            between(Self.find, "freezes the mirror SPTE", v, p)
              ==> folio[p] || stale[v] || invalidating[fileOf[p]]
            forAll(File.self) { f in
              evicts(f) && fileOf[p] == f && between(Self.find, "freezes the mirror SPTE", v, p)
                ==> stale[v]
            }
          }
        }
      },
    ]
  }

  /// Memslots, for S-14: a fault that has seen one keeps it, and what is mapped has one.
  package var slotLemmas: [Property] {
    let gone = "the memslot is gone"
    let fault = { (p: Expr<Page>) in between(Self.find, "TDH.MEM.PAGE.AUG completes", p) }
    return [
      Lemma("M-17", "a memslot that goes away is INVALID and has no fault under way") {
        forAll(File.self) { f in
          between("marks the memslot INVALID", gone, f) ==> slot[f] == .invalid
          forAll(Page.self) { p in
            fileOf[p] == f && (slot[f] == .absent || between("synchronize_srcu", gone, f))
              ==> !fault(p)
          }
        }
      },
      Lemma("M-18", "a page with a mirror SPTE has a folio and a memslot that stays") {
        forAll(Page.self) { p in
          mirror[p] ==> folio[p] && slot[fileOf[p]] != .absent
          forAll(File.self) { f in fileOf[p] == f && at(gone, f) ==> !mirror[p] }
        }
      },
    ]
  }

  private func fileLemmas(_ evicts: (Expr<File>) -> Condition) -> [Property] {
    let close = "close(guest_memfd)"
    let punch = "fallocate(PUNCH_HOLE)"
    return [
      Lemma("M-11", "an invalidation is in progress between its begin and its end") {
        forAll(File.self) { f in
          between("invalidation begins", "invalidation ends", f) ==> invalidating[f]
        }
        forAll(Page.self) { p in
          between("invalidation begins", "invalidation ends", p) ==> invalidating[fileOf[p]]
        }
      },
      Lemma("M-12", "the pages of a zap are the file's") {
        forAll(File.self) { f in
          forAll(Page.self) { p in
            inside(close, f, p) || inside(Self.slotDeleteName, f, p)
              || inside(close, f, taken(p)) || inside(Self.slotDeleteName, f, taken(p))
              ==> fileOf[p] == f
          }
        }
      },
      Lemma("M-13", "a zap has removed the pages it is past") {
        forAll(File.self) { f in
          forAll(Page.self) { p in
            (inside(close, f, taken(p)) || inside(Self.slotDeleteName, f, taken(p)))
              ==> !mirror[p] || at("clears the mirror SPTE", p)
            fileOf[p] == f && at("releases mmu_lock for write", f) ==> !mirror[p]
          }
        }
      },
      Lemma("M-14", "the pages of a hole or of a closed file are free when their folios go") {
        forAll(Page.self) { p in
          between("clears the mirror SPTE", Self.truncate, p) ==> !mirror[p]
          at(Self.truncate, p) ==> td.isFree(p)
          forAll(File.self) { f in
            fileOf[p] == f && (at("invalidation ends", f) || evicts(f))
              ==> !mirror[p] && td.isFree(p)
          }
        }
      },
      Lemma("M-15", "a hole is punched into an open file") {
        forAll(Page.self) { p in inside(punch, p) ==> gmem[fileOf[p]] == .open }
      },
      Lemma("M-16", "a file is closed by one thread") {
        forAll(File.self) { f in
          inside(close, f) ==> gmem[f] == .closing
          forAll(HostThread.self) { t in
            forAll(HostThread.self) { u in
              inside(close, t, f) && inside(close, u, f) ==> t == u
            }
          }
        }
      },
    ]
  }
}

extension [Property] {
  /// The same, with the verdict that is wanted of some of them; see `Property.expect`.
  package func expecting(
    _ verdict: ExpectedVerdict, of ids: Set<String>, when: Condition? = nil,
    ifMade: [String] = [], because reason: String
  ) -> [Property] {
    map {
      ids.contains($0.id) ? $0.expect(verdict, when: when, ifMade: ifMade, because: reason) : $0
    }
  }
}
