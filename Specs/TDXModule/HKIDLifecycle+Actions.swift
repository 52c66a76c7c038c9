import SpecLanguage

extension HKIDLifecycle {

  // MARK: Checks that several leaves share

  /// The TDR as an explicit operand: its lock first, then its page type.
  @StatementBuilder private func tdrExclusive(_ t: Expr<TD>) -> [Statement] {
    Check(
      !removing[t] && forAll(VCPU.self) { v in owner[v] == t ==> !running[v] },
      else: .operandBusyTDR
    ).because("removals and vCPUs in the guest hold the TDR shared", "tdx-module §9.6")
    tdrShared(t)
  }

  /// Nothing here holds the TDR exclusively beyond its own step.
  private func tdrShared(_ t: Expr<TD>) -> Statement {
    Check(life[t] != .absent, else: .metadataIncorrect)
      .because("the page is no TDR", "tdx-module §5.2")
  }

  /// The TD's control structures may be used, and are initialised.
  @StatementBuilder private func tdState(_ t: Expr<TD>) -> [Statement] {
    Check(life[t] == .TD_KEYS_CONFIGURED, else: .tdKeysNotConfigured)
    Check(initialised[t], else: .opStateIncorrect)
  }

  private func tdvpr(_ v: Expr<VCPU>) -> Statement {
    Check(owner[v] != nil, else: .metadataIncorrect)
      .because("the page is no TDVPR", "tdx-module §5.2")
  }

  private func ownerHasKeys(_ v: Expr<VCPU>) -> Statement {
    Check(
      forAll(TD.self) { t in owner[v] == t ==> life[t] == .TD_KEYS_CONFIGURED },
      else: .tdKeysNotConfigured)
  }

  private func ownerIsInitialised(_ v: Expr<VCPU>) -> Statement {
    Check(forAll(TD.self) { t in owner[v] == t ==> initialised[t] }, else: .opStateIncorrect)
  }

  /// A SEAMCALL on this LP: the LP is not in a guest.
  private func inHost(_ l: Expr<LP>) -> Statement {
    Require(forAll(VCPU.self) { v in associated[v] == l ==> !running[v] })
      .because("an LP in the guest makes no SEAMCALL", "tdx-module §9.6")
  }

  /// Statements about the TD's HKID.
  private func ofHKID(
    _ t: Expr<TD>, @StatementBuilder _ body: (Expr<HKID>) -> [Statement]
  ) -> Statement {
    Each(HKID.self) { h in When(hkid[t] == h) { body(h) } }
  }

  // MARK: Building a TD

  var create: Action {
    Action("TDH.MNG.CREATE", each: TD.self, HKID.self, cites: "tdx-module §8.1") { t, h in
      Check(life[t] == .absent, else: .metadataIncorrect)
      Check(kot[h] == .HKID_FREE, else: .hkidNotFree)
      kot[h] <- .HKID_ASSIGNED
      hkid[t] <- h
      life[t] <- .TD_HKID_ASSIGNED
      pool[h] <- .used
    }
  }

  var keyConfig: Action {
    Action("TDH.MNG.KEY.CONFIG", each: TD.self, Package.self, cites: "tdx-module §8.2") { t, p in
      tdrExclusive(t)
      Check(life[t] == .TD_HKID_ASSIGNED, else: .lifecycleIncorrect)
      Check(!configured[t, p], else: .keyConfigured)
      configured[t, p] <- true
      When(forAll(Package.self) { q in q == p || configured[t, q] }) {
        life[t] <- .TD_KEYS_CONFIGURED
      }
    }
  }

  var initialise: Action {
    Action("TDH.MNG.INIT", each: TD.self, cites: "tdx-module §8.4") { t in
      tdrExclusive(t)
      Check(life[t] == .TD_KEYS_CONFIGURED, else: .tdKeysNotConfigured)
      Check(!initialised[t], else: .opStateIncorrect)
      initialised[t] <- true
    }
  }

  // MARK: vCPUs

  var vpCreate: Action {
    Action("TDH.VP.CREATE", each: VCPU.self, TD.self, cites: "tdx-module §9.1") { v, t in
      Require(owner[v] == nil).because("the host gives a page of its own", "tdx-module §9.1")
      tdrShared(t)
      tdState(t)
      owner[v] <- t
    }
  }

  var vpInit: Action {
    Action("TDH.VP.INIT", each: VCPU.self, LP.self, cites: "tdx-module §9.3") { v, l in
      inHost(l)
      Check(!running[v], else: .operandBusyTDVPR)
      tdvpr(v)
      ownerHasKeys(v)
      ownerIsInitialised(v)
      Check(!ready[v], else: .vcpuStateIncorrect)
      ready[v] <- true
      associated[v] <- l
    }
  }

  var vpEnter: Action {
    Action("TDH.VP.ENTER", each: VCPU.self, LP.self, cites: "tdx-module §9.6") { v, l in
      inHost(l)
      tdvpr(v)
      ownerHasKeys(v)
      ownerIsInitialised(v)
      Check(ready[v] && !running[v], else: .vcpuStateIncorrect)
      Check(associated[v] == nil || associated[v] == l, else: .vcpuAssociated)
      associated[v] <- l
      running[v] <- true
      translations[l, v] <- true
    }
  }

  var tdExit: Action {
    Action("TD exit", each: VCPU.self, cites: "tdx-module §9.6") { v in
      Require(running[v])
      running[v] <- false
    }
  }

  /// By the guest, or by the module to TDCS, TDVPS and S-EPT.
  var write: Action {
    Action("write with the TD's key", each: TD.self, Package.self, cites: "tdx-module §14.3") {
      t, p in
      Require(life[t] == .TD_KEYS_CONFIGURED)
        .because("in no other state is anything of the TD mapped", "tdx-module §2.1")
      ofHKID(t) { h in dirty[h, p] <- true }
    }
  }

  var vpFlush: Action {
    Action("TDH.VP.FLUSH", each: VCPU.self, LP.self, cites: "tdx-module §9.4") { v, l in
      inHost(l)
      Check(!running[v], else: .operandBusyTDVPR)
      tdvpr(v)
      ownerHasKeys(v)
      Check(associated[v] == l, else: .vcpuNotAssociated)
      associated[v] <- nil
      Each(VCPU.self) { w in When(owner[w] == owner[v]) { translations[l, w] <- false } }
    }
  }

  // MARK: Removal of pages

  var removalBegins: Action {
    Action("TDH.MEM.RANGE.BLOCK begins", each: TD.self, cites: "tdx-module §10.10") { t in
      Require(!removing[t]).because("one at a time stands for all of them", "tdx-module §10.10")
      tdrShared(t)
      tdState(t)
      removing[t] <- true
    }
  }

  var removalEnds: Action {
    Action("TDH.MEM.RANGE.BLOCK ends", each: TD.self, cites: "tdx-module §10.10") { t in
      Require(removing[t])
      removing[t] <- false
    }
  }

  // MARK: Releasing the HKID

  var vpFlushDone: Action {
    Action("TDH.MNG.VPFLUSHDONE", each: TD.self, cites: "tdx-module §8.7") { t in
      tdrExclusive(t)
      Check(life[t].in(.TD_HKID_ASSIGNED, .TD_KEYS_CONFIGURED), else: .lifecycleIncorrect)
      Check(
        !initialised[t] || forAll(VCPU.self) { v in owner[v] == t ==> associated[v] == nil },
        else: .flushVPNotDone)
      ofHKID(t) { h in
        kot[h] <- .HKID_FLUSHED
        Each(Package.self) { p in writeBackPending[h, p] <- true }
      }
      life[t] <- .TD_BLOCKED
    }
  }

  static let writeBackName = "modified lines are written back"

  /// Credited to every HKID that is flushed by now, whichever TD it belongs to.
  var cacheWB: Action {
    Action("TDH.PHYMEM.CACHE.WB", each: Package.self, cites: "tdx-module §11.4") { p in
      Check(exists(HKID.self) { h in kot[h] == .HKID_FLUSHED }, else: .noHKIDReady)
      Each(HKID.self) { h in
        Step(Self.writeBackName) { dirty[h, p] <- false }
        When(kot[h] == .HKID_FLUSHED) { writeBackPending[h, p] <- false }
      }
      Each(TD.self) { t in When(life[t] == .TD_BLOCKED) { writtenBack[t, p] <- true } }
    }
  }

  var keyFreeID: Action {
    Action("TDH.MNG.KEY.FREEID", each: TD.self, cites: "tdx-module §8.9") { t in
      tdrExclusive(t)
      Check(life[t] == .TD_BLOCKED, else: .lifecycleIncorrect)
      Check(
        forAll(HKID.self) { h in
          hkid[t] == h ==> forAll(Package.self) { p in !writeBackPending[h, p] }
        }, else: .wbcacheNotComplete)
      ofHKID(t) { h in
        kot[h] <- .HKID_FREE
        pool[h] <- .released
      }
      life[t] <- .TD_TEARDOWN
    }
  }

  var returnToPool: Action {
    Action("tdx_guest_keyid_free", each: HKID.self, cites: "kvm-tdx S-1") { h in
      Require(pool[h] == .released)
      pool[h] <- .pooled
    }
  }

  /// All pages, the TDR last; the slot can become another TD.
  var reclaim: Action {
    Action("TDH.PHYMEM.PAGE.RECLAIM", each: TD.self, cites: "tdx-module §11.1") { t in
      tdrExclusive(t)
      Check(life[t] == .TD_TEARDOWN, else: .lifecycleIncorrect)
      life[t] <- .absent
      hkid[t] <- nil
      initialised[t] <- false
      Each(Package.self) { p in
        configured[t, p] <- false
        writtenBack[t, p] <- false
      }
      Each(VCPU.self) { v in
        When(owner[v] == t) {
          owner[v] <- nil
          ready[v] <- false
        }
      }
    }
  }
}
