import SpecLanguage

extension HKIDLifecycle {
  /// The TD's HKID is its own. A TD in TD_TEARDOWN has only the number left.
  private func uses(_ t: Expr<TD>) -> Condition {
    life[t].in(.TD_HKID_ASSIGNED, .TD_KEYS_CONFIGURED, .TD_BLOCKED)
  }

  @ListBuilder<Property> public var properties: [Property] {
    safety
    lemmas
    possibilities
  }

  @ListBuilder<Property> private var safety: [Property] {
    Always("S-1", "at most one TD uses an HKID", cites: "kvm-tdx S-1", "tdx-module S1") {
      forAll(HKID.self) { h in
        forAll(TD.self) { t in
          uses(t) && hkid[t] == h
            ==> forAll(TD.self) { u in t == u || !uses(u) || hkid[u] != h }
        }
      }
    }
    Always("S-1-pool", "an HKID in the host's pool is free in the KOT", cites: "kvm-tdx S-1") {
      forAll(HKID.self) { h in pool[h] == .pooled ==> kot[h] == .HKID_FREE }
    }
    Always(
      "S-2", "no cache holds a modified line of an HKID that is free", cites: "kvm-tdx S-2"
    ) {
      forAll(HKID.self) { h in
        kot[h] == .HKID_FREE || pool[h] == .pooled
          ==> forAll(Package.self) { p in !dirty[h, p] }
      }
    }
    Always(
      "S-2-vcpu", "no vCPU whose TD has a free HKID is associated or has translations",
      cites: "kvm-tdx S-2", "tdx-module S8"
    ) {
      forAll(HKID.self) { h in
        forAll(TD.self) { t in
          forAll(VCPU.self) { v in
            (kot[h] == .HKID_FREE || pool[h] == .pooled) && hkid[t] == h && owner[v] == t
              ==> associated[v] == nil && forAll(LP.self) { l in !translations[l, v] }
          }
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
      "S-4", "a vCPU runs only with an LP and while its TD's keys are configured",
      cites: "kvm-tdx S-4", "tdx-module S7"
    ) {
      forAll(VCPU.self) { v in
        running[v]
          ==> associated[v] != nil
          && forAll(TD.self) { t in owner[v] == t ==> life[t] == .TD_KEYS_CONFIGURED }
      }
    }
    Always(
      "S-11", "a removal is under way only while the TD's keys are configured",
      cites: "kvm-tdx S-11"
    ) {
      forAll(TD.self) { t in removing[t] ==> life[t] == .TD_KEYS_CONFIGURED }
    }
  }

  /// The module without one of its checks.
  @ListBuilder<Mutation> public var mutations: [Mutation] {
    Mutation(
      "no-hkid-check", "TDH.MNG.CREATE takes an HKID that is in use", caughtBy: ["S-1"],
      at: "small", cites: "tdx-module §8.1"
    ) { Without(refusal: .hkidNotFree, in: "TDH.MNG.CREATE") }
    Mutation(
      "no-flush-check", "TDH.MNG.VPFLUSHDONE does not look for associated vCPUs",
      caughtBy: ["S-2-vcpu"], at: "small", cites: "tdx-module §8.7"
    ) { Without(refusal: .flushVPNotDone, in: "TDH.MNG.VPFLUSHDONE") }
    Mutation(
      "no-write-back-check", "TDH.MNG.KEY.FREEID does not look for caches to be written back",
      caughtBy: ["S-2", "S-3"], at: "small", cites: "tdx-module §8.9"
    ) { Without(refusal: .wbcacheNotComplete, in: "TDH.MNG.KEY.FREEID") }
    Mutation(
      "B-14", "modified lines stay in the caches when the page is given to somebody else",
      caughtBy: ["S-2"], at: "small", cites: "kvm-tdx B-14"
    ) { Without(step: Self.writeBackName) }
    Mutation(
      "no-tdr-lock", "TDH.MNG.VPFLUSHDONE does not need the TDR for itself", caughtBy: ["S-11"],
      at: "small", cites: "tdx-module §6.2"
    ) { Without(refusal: .operandBusyTDR, in: "TDH.MNG.VPFLUSHDONE") }
    Mutation(
      "no-lock-to-configure", "TDH.MNG.KEY.CONFIG does not need the TDR for itself", caughtBy: [],
      at: "small", cites: "tdx-module §6.2"
    ) { Without(refusal: .operandBusyTDR, in: "TDH.MNG.KEY.CONFIG") }
  }

  /// What the properties above need to be inductive.
  @ListBuilder<Property> private var lemmas: [Property] {
    Lemma("H-1", "a TD that uses an HKID has one", cites: "tdx-module §8.1") {
      forAll(TD.self) { t in uses(t) ==> hkid[t] != nil }
    }
    Lemma("H-2", "the HKID of a TD before TD_BLOCKED is assigned", cites: "tdx-module S2") {
      forAll(TD.self) { t in
        forAll(HKID.self) { h in
          life[t].in(.TD_HKID_ASSIGNED, .TD_KEYS_CONFIGURED) && hkid[t] == h
            ==> kot[h] == .HKID_ASSIGNED
        }
      }
    }
    Lemma("H-3", "the HKID of a TD in TD_BLOCKED is flushed", cites: "tdx-module S2") {
      forAll(TD.self) { t in
        forAll(HKID.self) { h in
          life[t] == .TD_BLOCKED && hkid[t] == h ==> kot[h] == .HKID_FLUSHED
        }
      }
    }
    Lemma("H-4", "the KOT credits only write-backs since VPFLUSHDONE", cites: "tdx-module S37") {
      forAll(TD.self) { t in
        forAll(HKID.self) { h in
          forAll(Package.self) { p in
            life[t] == .TD_BLOCKED && hkid[t] == h && !writeBackPending[h, p]
              ==> writtenBack[t, p]
          }
        }
      }
    }
    Lemma(
      "H-5", "modified lines are of an HKID that is assigned or awaits its write-back",
      cites: "tdx-module §14.3"
    ) {
      forAll(HKID.self) { h in
        forAll(Package.self) { p in
          dirty[h, p]
            ==> kot[h] == .HKID_ASSIGNED || kot[h] == .HKID_FLUSHED && writeBackPending[h, p]
        }
      }
    }
    Lemma("H-6", "a vCPU is associated only while its TD has keys", cites: "tdx-module S8") {
      forAll(VCPU.self) { v in
        forAll(TD.self) { t in
          associated[v] != nil && owner[v] == t
            ==> life[t] == .TD_KEYS_CONFIGURED && initialised[t]
        }
      }
    }
    Lemma("H-7", "translations imply association", cites: "tdx-module S11") {
      forAll(LP.self) { l in
        forAll(VCPU.self) { v in translations[l, v] ==> associated[v] == l }
      }
    }
    Lemma("H-8", "an associated vCPU is ready and belongs to a TD", cites: "tdx-module S9") {
      forAll(VCPU.self) { v in associated[v] != nil ==> ready[v] && owner[v] != nil }
    }
    Lemma("H-9", "an HKID on its way to the pool is free in the KOT", cites: "kvm-tdx S-1") {
      forAll(HKID.self) { h in pool[h] == .released ==> kot[h] == .HKID_FREE }
    }
  }

  @ListBuilder<Property> private var possibilities: [Property] {
    Possible(
      "reuse", "an HKID is used by another TD before the pages of the first are reclaimed",
      cites: "kvm-tdx S-38"
    ) {
      exists(HKID.self) { h in
        exists(TD.self) { t in life[t] == .TD_TEARDOWN && hkid[t] == h }
        exists(TD.self) { t in life[t] == .TD_KEYS_CONFIGURED && hkid[t] == h }
      }
    }
    Possible(
      "two-at-once", "two TDs have their keys configured at once", cites: "tdx-module §8.2"
    ) {
      exists(TD.self) { t in
        exists(TD.self) { u in
          t != u && life[t] == .TD_KEYS_CONFIGURED && life[u] == .TD_KEYS_CONFIGURED
        }
      }
    }
    Possible(
      "shared-write-back", "one round of write-backs is credited to two TDs",
      cites: "tdx-module §11.4"
    ) {
      exists(TD.self) { t in
        exists(TD.self) { u in
          t != u && life[t] == .TD_BLOCKED && life[u] == .TD_BLOCKED
            && forAll(Package.self) { p in writtenBack[t, p] && writtenBack[u, p] }
        }
      }
    }
  }
}
