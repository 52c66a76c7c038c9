import SpecLanguage

extension TDXModule {
  /// What the key-programming instruction answers.
  enum PConfig: EnumDomain { case ok, busy, error }
  enum Command: EnumDomain { case start, resume, invalid }
  /// How many polls for a pending interrupt see none before one does.
  enum Interrupt: EnumDomain { case never, after0, after1, after2 }

  @ListBuilder<Action> var keyLeaves: [Action] {
    keyConfig
    vpFlushDone
    cacheWB
    keyFreeID
    write
  }

  private var keyConfig: Action {
    Action(
      "TDH.MNG.KEY.CONFIG", with: CallArgument("td", PageOperand.self),
      CallArgument("lp", LP.self), CallArgument("pconfig", PConfig.self),
      cites: ["tdx-module §8.2"]
    ) { td, lp, pconfig in
      let t = self.td(at: td)
      let p = packageOf[lp]
      tdr(td, in: .RCX, of: .mngKeyConfig)
      Check(!fatal[t], else: .tdx(.TD_FATAL))
      Check(life[t] == .TD_HKID_ASSIGNED, else: .tdx(.LIFECYCLE_STATE_INCORRECT))
      Check(!configured[t, p], else: .tdx(.KEY_CONFIGURED))
      Check(pconfig != .busy, else: .tdx(.OPERAND_BUSY, .KET))
      Check(pconfig != .error, else: .tdx(.KEY_GENERATION_FAILED))
      configured[t, p] <- true
      When(forAll(Package.self) { q in q == p || configured[t, q] }) {
        life[t] <- .TD_KEYS_CONFIGURED
      }
    }
  }

  private var vpFlushDone: Action {
    Action(
      "TDH.MNG.VPFLUSHDONE", with: CallArgument("td", PageOperand.self),
      cites: ["tdx-module §8.7"]
    ) { td in
      let t = self.td(at: td)
      let h: Expr<HKID> = hkid[t].value()
      tdr(td, in: .RCX, of: .mngVPFlushDone)
      Check(
        life[t].in(.TD_HKID_ASSIGNED, .TD_KEYS_CONFIGURED),
        else: .tdx(.LIFECYCLE_STATE_INCORRECT))
      Check(
        numTDCX[t] < tdcxPages || opState[t] == .UNINITIALIZED || numAssoc[t] == 0,
        else: .tdx(.FLUSHVP_NOT_DONE))
      kot[h] <- .HKID_FLUSHED
      Each(Package.self) { p in writeBackPending[h, p] <- true }
      life[t] <- .TD_BLOCKED
      forgetContents(t)
    }
  }

  /// From here on nothing that is encrypted with the TD's key is read (tdx-module §2.1).
  @StatementBuilder private func forgetContents(_ t: Expr<TD>) -> [Statement] {
    opState[t] <- .UNINITIALIZED
    epoch[t] <- 0
    Each(Parity.self) { i in refcount[t, i] <- 0 }
    Each(Entry.self) { e in
      entryState[t, e] <- .FREE
      target[t, e] <- nil
    }
    Each(VCPU.self) { v in When(vcpuTD[v] == t) { vcpuEpoch[v] <- 0 } }
  }

  private var keyFreeID: Action {
    Action(
      "TDH.MNG.KEY.FREEID", with: CallArgument("td", PageOperand.self),
      cites: ["tdx-module §8.9"]
    ) { td in
      let t = self.td(at: td)
      let h: Expr<HKID> = hkid[t].value()
      tdr(td, in: .RCX, of: .mngKeyFreeID)
      Check(life[t] == .TD_BLOCKED, else: .tdx(.LIFECYCLE_STATE_INCORRECT))
      Check(
        forAll(Package.self) { p in !writeBackPending[h, p] }, else: .tdx(.WBCACHE_NOT_COMPLETE))
      kot[h] <- .HKID_FREE
      life[t] <- .TD_TEARDOWN
    }
  }

  // MARK: Cache write-back

  private var cacheWB: Action {
    Action(
      "TDH.PHYMEM.CACHE.WB", with: CallArgument("lp", LP.self),
      CallArgument("command", Command.self), CallArgument("interrupt", Interrupt.self),
      cites: ["tdx-module §11.4"]
    ) { lp, command, interrupt in
      let p = packageOf[lp]
      Check(command != .invalid, else: .tdx(.OPERAND_INVALID, .RCX))
      Check(command != .resume || wbPoint[p] > 0, else: .tdx(.WBCACHE_RESUME_ERROR))
      When(command == .start && forAll(HKID.self) { h in kot[h] != .HKID_FLUSHED }) {
        endCycle(p)
        Return(.tdx(.NO_HKID_READY_TO_WBCACHE))
      }.because("an interrupted cycle is lost", "tdx-module §11.4")
      let from = choose(command == .start, Expr<Int>(0.literal), else: wbPoint[p])
      When(isInterrupted(interrupt, from)) {
        interruptCycle(p, command, from + polls(interrupt) + 1)
        Return(.tdx(.INTERRUPTED_RESUMABLE))
      }
      completeCycle(p, command)
    }
  }

  /// The number of polls that see nothing.
  private func polls(_ interrupt: Expr<Interrupt>) -> Expr<Int> {
    choose(
      interrupt == .after0, Expr<Int>(0.literal),
      else: choose(interrupt == .after1, Expr<Int>(1.literal), else: Expr<Int>(2.literal)))
  }

  /// Every sub-block but the last is followed by a poll.
  private func isInterrupted(_ interrupt: Expr<Interrupt>, _ from: Expr<Int>) -> Condition {
    interrupt != .never && from + polls(interrupt) + 1 < subBlocks
  }

  @StatementBuilder private func interruptCycle(
    _ p: Expr<Package>, _ command: Expr<Command>, _ point: Expr<Int>
  ) -> [Statement] {
    wbPoint[p] <- point
    When(command == .start) {
      Each(TD.self) { t in blockedAtStart[p, t] <- (life[t] == .TD_BLOCKED) }
    }
    When(command == .start) {
      Each(HKID.self) { h in
        wbFlushed[p, h] <- (kot[h] == .HKID_FLUSHED)
        dirtyPassed[h, p] <- false
        dirtyAhead[h, p] <- (dirtyPassed[h, p] || dirtyAhead[h, p])
      }
    }
  }

  /// The cycle is credited to the HKIDs that were flushed when it started.
  @StatementBuilder private func completeCycle(
    _ p: Expr<Package>, _ command: Expr<Command>
  ) -> [Statement] {
    Each(HKID.self) { h in
      When(command == .start && kot[h] == .HKID_FLUSHED || command == .resume && wbFlushed[p, h]) {
        writeBackPending[h, p] <- false
      }
      dirtyPassed[h, p] <- false
      When(command == .start) {
        dirtyAhead[h, p] <- false
      } else: {
        dirtyAhead[h, p] <- dirtyPassed[h, p]
      }
      wbFlushed[p, h] <- false
    }
    Each(TD.self) { t in
      When(
        life[t] == .TD_BLOCKED && (command == .start || blockedAtStart[p, t])
      ) { writtenBack[t, p] <- true }
      blockedAtStart[p, t] <- false
    }
    wbPoint[p] <- 0
  }

  @StatementBuilder private func endCycle(_ p: Expr<Package>) -> [Statement] {
    wbPoint[p] <- 0
    Each(TD.self) { t in blockedAtStart[p, t] <- false }
    Each(HKID.self) { h in
      wbFlushed[p, h] <- false
      dirtyPassed[h, p] <- false
      dirtyAhead[h, p] <- (dirtyPassed[h, p] || dirtyAhead[h, p])
    }
  }

  /// By the guest, or by the module to TDCS, TDVPS and S-EPT.
  private var write: Action {
    Action(
      "write with the TD's key", with: CallArgument("td", TD.self),
      CallArgument("package", Package.self), cites: ["tdx-module §14.3"]
    ) { t, p in
      Require(life[t] == .TD_KEYS_CONFIGURED)
        .because("in no other state is anything of the TD mapped", "tdx-module §2.1")
      let h: Expr<HKID> = hkid[t].value()
      dirtyAhead[h, p] <- true
      When(wbPoint[p] > 0) { dirtyPassed[h, p] <- true }
    }
  }
}
