import SpecLanguage

extension TDXModule {
  @ListBuilder<Property> var keyProperties: [Property] {
    Always("S-1", "at most one TD uses an HKID", cites: "kvm-tdx S-1", "tdx-module S1") {
      forAll(TD.self) { t in
        forAll(TD.self) { u in
          usesKey(t) && usesKey(u) && hkid[t] == hkid[u] ==> t == u
        }
      }
    }
    Always(
      "S-2", "no cache holds a modified line of an HKID that is free", cites: "kvm-tdx S-2"
    ) {
      forAll(HKID.self) { h in
        kot[h] == .HKID_FREE
          ==> forAll(Package.self) { p in !dirtyPassed[h, p] && !dirtyAhead[h, p] }
      }
    }
    Always(
      "S-2-vcpu", "no vCPU whose TD has a free HKID is associated or has translations",
      cites: "kvm-tdx S-2", "tdx-module S8"
    ) {
      forAll(VCPU.self) { v in
        forAll(TD.self) { t in
          vcpuTD[v] == t && life[t] == .TD_TEARDOWN
            ==> assoc[v] == nil && forAll(LP.self) { l in !translations[l, v] }
        }
      }
    }
    Always(
      "S-3", "the HKID is freed only after every package's caches were written back",
      cites: "kvm-tdx S-3", "tdx-module S37"
    ) {
      forAll(TD.self) { t in
        life[t] == .TD_TEARDOWN ==> forAll(Package.self) { p in writtenBack[t, p] }
      }
    }
    Always(
      "S-11", "page leaves work on a TD with keys, reclaims on one that is torn down",
      cites: "kvm-tdx S-11"
    ) { !outOfOrder }
    Always("S2", "the KOT follows the TD that has the HKID", cites: "tdx-module S2") {
      forAll(TD.self) { t in
        forAll(HKID.self) { h in
          usesKey(t) && hkid[t] == h
            ==> choose(
              life[t] == .TD_BLOCKED, kot[h] == .HKID_FLUSHED, else: kot[h] == .HKID_ASSIGNED)
        }
      }
    }
    Always("S4", "only a flushed HKID awaits write-backs", cites: "tdx-module S4", "tdx-module S3")
    {
      forAll(HKID.self) { h in
        forAll(Package.self) { p in writeBackPending[h, p] ==> kot[h] == .HKID_FLUSHED }
      }
    }
    Always("S5", "a TD has keys when every package has its key", cites: "tdx-module S5") {
      forAll(TD.self) { t in
        life[t] == .TD_KEYS_CONFIGURED ==> forAll(Package.self) { p in configured[t, p] }
      }
    }
  }

  /// The TD's HKID is its own. A TD in TD_TEARDOWN has only the number left.
  private func usesKey(_ t: Expr<TD>) -> Condition {
    life[t].in(.TD_HKID_ASSIGNED, .TD_KEYS_CONFIGURED, .TD_BLOCKED)
  }

  @ListBuilder<Property> var vcpuProperties: [Property] {
    Always(
      "S7", "a vCPU runs only while its TD has keys and is runnable", cites: "tdx-module S7",
      "kvm-tdx S-4"
    ) {
      forAll(LP.self) { l in
        forAll(VCPU.self) { v in
          inGuest[l] == v
            ==> vcpuState[v] == .VCPU_ACTIVE && assoc[v] == l
            && life[vcpuTD[v].value()] == .TD_KEYS_CONFIGURED
            && opState[vcpuTD[v].value()] == .RUNNABLE
        }
      }
    }
    Always("S9", "the TDCS counts its associated vCPUs", cites: "tdx-module S9") {
      forAll(TD.self) { t in
        life[t] == .TD_KEYS_CONFIGURED
          ==> numAssoc[t] == those(VCPU.self) { v in vcpuTD[v] == t && assoc[v] != nil }.count()
      }
    }
    Always("S11", "translations of a vCPU imply its association", cites: "tdx-module S11") {
      forAll(LP.self) { l in
        forAll(VCPU.self) { v in translations[l, v] ==> assoc[v] == l }
      }
    }
    Always("S12", "a TD has no more vCPUs than it may have", cites: "tdx-module S12") {
      forAll(TD.self) { t in numVCPUs[t] <= maxVCPUs[t] }
    }
    Always("S14", "a runnable TD has a vCPU", cites: "tdx-module S14") {
      forAll(TD.self) { t in opState[t] == .RUNNABLE ==> numVCPUs[t] > 0 }
    }
    Always("S24", "a running vCPU is of this epoch or the one before", cites: "tdx-module S24") {
      forAll(LP.self) { l in
        forAll(VCPU.self) { v in
          inGuest[l] == v
            ==> vcpuEpoch[v] <= epoch[vcpuTD[v].value()]
            && epoch[vcpuTD[v].value()] <= vcpuEpoch[v] + 1
        }
      }
    }
    Always("S25", "the refcounts count the running vCPUs of their parity", cites: "tdx-module S25")
    {
      forAll(TD.self) { t in
        life[t] == .TD_KEYS_CONFIGURED && !fatal[t] ==> counts(t, .even) && counts(t, .odd)
      }
    }
  }

  private func counts(_ t: Expr<TD>, _ wanted: Parity) -> Condition {
    refcount[t, Expr<Parity>(wanted.literal)]
      == those(LP.self) { l in
        inGuest[l] != nil && vcpuTD[inGuest[l].value()] == t
          && parity(vcpuEpoch[inGuest[l].value()]) == wanted
      }.count()
  }

  @ListBuilder<Property> var memoryProperties: [Property] {
    Always(
      "S16", "chldcnt counts the pages of the TD but its TDR, where a block has two",
      cites: "tdx-module S16"
    ) {
      forAll(TD.self) { t in
        span == 2
          ==> children[t] == those(Page.self) { p in owner[p] == t && type[p] != .TDR }.count()
          + those(Block.self) { b in large[b] == t }.count()
          + those(Block.self) { b in large[b] == t }.count()
      }
    }
    Always("S17", "an owned page belongs to a TD that exists", cites: "tdx-module S17") {
      forAll(Page.self) { p in
        type[p] != .NDA ==> owner[p] != nil && life[owner[p].value()] != .absent
      }
    }
    Always("S18", "a TD that is gone has left no page", cites: "tdx-module S18") {
      forAll(TD.self) { t in
        life[t] == .absent ==> children[t] == 0 && forAll(Page.self) { p in owner[p] != t }
      }
    }
    Always("S19", "no page is behind two S-EPT entries", cites: "tdx-module S19", "tdx-module S20")
    {
      forAll(TD.self) { t in
        forAll(Entry.self) { e in
          forAll(Entry.self) { f in
            target[t, e] != nil && target[t, e] == target[t, f] ==> e == f
          }
        }
      }
    }
    Always("S22", "an entry points at a page of its TD and kind", cites: "tdx-module S22") {
      forAll(TD.self) { t in
        forAll(Entry.self) { e in
          entryState[t, e] != .FREE ==> pointsAtOwnPage(t, e)
        }
      }
    }
    Always(
      "S26", "behind a blocked and tracked entry no vCPU runs that entered before",
      cites: "tdx-module S26"
    ) {
      forAll(TD.self) { t in
        forAll(Entry.self) { e in
          isBlocked(t, e) && !fatal[t] && isTracked(t, e)
            ==> forAll(LP.self) { l in
              inGuest[l] == nil || vcpuTD[inGuest[l].value()] != t
                || blockingEpoch(t, e) < vcpuEpoch[inGuest[l].value()]
            }
        }
      }
    }
    Always("S29", "an entry that is free has nothing below", cites: "tdx-module S29") {
      forAll(TD.self) { t in
        forAll(Entry.self) { c in
          entryState[t, c] != .FREE && parent[c] != nil
            ==> entryState[t, parent[c].value()].in(.NL_MAPPED, .NL_BLOCKED)
        }
      }
    }
    .expect(.vacuous, when: pages == 3, because: "no page is left for a second level")
  }

  private func pointsAtOwnPage(_ t: Expr<TD>, _ e: Expr<Entry>) -> Condition {
    let p = page(behind: t, e)
    return choose(
      isLarge(t, e), large[blockOf[p]] == t,
      else: owner[p] == t
        && choose(
          entryState[t, e].in(.NL_MAPPED, .NL_BLOCKED), type[p] == .EPT, else: type[p] == .REG)
    )
  }

  private func blockingEpoch(_ t: Expr<TD>, _ e: Expr<Entry>) -> Expr<Int> {
    let p = page(behind: t, e)
    return choose(isLarge(t, e), largeEpoch[blockOf[p]], else: bepoch[p])
  }

  @ListBuilder<Property> var possibilities: [Property] {
    Possible(
      "removable-while-running", "an S-EPT page can be removed while a vCPU is in the guest",
      cites: "tdx-module §14.4"
    ) {
      exists(TD.self) { t in
        isEntered(t)
        exists(Entry.self) { e in
          isBlocked(t, e) && isTracked(t, e) && levelOf[e] == 1
            && forAll(Entry.self) { c in parent[c] == e ==> entryState[t, c] == .FREE }
        }
      }
    }
    .expect(.vacuous, when: pages == 3, because: "no page is left for the S-EPT")
    Possible("two-at-once", "two TDs have keys, or the only one runs", cites: "tdx-module §8.2") {
      forAll(TD.self) { t in
        life[t] == .TD_KEYS_CONFIGURED && (isEntered(t) || tds != 1)
      }
    }
    Possible(
      "reuse", "an HKID is free while pages of its last TD are not reclaimed",
      cites: "kvm-tdx S-38"
    ) {
      exists(TD.self) { t in life[t] == .TD_TEARDOWN && children[t] > 2 }
    }
    .expect(.vacuous, when: pages == 3, because: "only two pages can be left")
  }
}
