import SpecLanguage

extension TDXModule {
  @ListBuilder<Action> var trackingLeaves: [Action] {
    rangeBlock
    rangeUnblock
    track
  }

  private var rangeBlock: Action {
    Action(
      "TDH.MEM.RANGE.BLOCK", with: CallArgument("td", PageOperand.self),
      CallArgument("entry", EntryOperand.self), cites: ["tdx-module §10.10"]
    ) { td, entry in
      let t = self.td(at: td)
      let e: Expr<Entry> = entry.element()
      let p = page(behind: t, e)
      tdr(td, in: .RDX, of: .rangeBlock)
      state(of: t, for: .rangeBlock)
      self.entry(entry)
      walk(t, to: e)
      Check(!isBlocked(t, e), else: .tdx(.GPA_RANGE_ALREADY_BLOCKED, .RCX))
      entryState(t, e, for: .rangeBlock)
      works(on: t)
      When(entryState[t, e] == .NL_MAPPED) { entryState[t, e] <- .NL_BLOCKED }
      When(entryState[t, e] == .MAPPED) { entryState[t, e] <- .BLOCKED }
      When(entryState[t, e] == .PENDING) { entryState[t, e] <- .PENDING_BLOCKED }
      When(isLarge(t, e)) {
        largeEpoch[blockOf[p]] <- epoch[t]
      } else: {
        bepoch[p] <- epoch[t]
      }
      details(t, e)
    }
  }

  private var rangeUnblock: Action {
    Action(
      "TDH.MEM.RANGE.UNBLOCK", with: CallArgument("td", PageOperand.self),
      CallArgument("entry", EntryOperand.self), cites: ["tdx-module §10.11"]
    ) { td, entry in
      let t = self.td(at: td)
      let e: Expr<Entry> = entry.element()
      tdr(td, in: .RDX, of: .rangeUnblock)
      state(of: t, for: .rangeUnblock)
      self.entry(entry)
      walk(t, to: e)
      entryState(t, e, for: .rangeUnblock)
      Check(
        opState[t] != .RUNNABLE || isTracked(t, e), else: .tdx(.TLB_TRACKING_NOT_DONE, .SEPT_TREE)
      ).because("stale translations are known to be gone", "tdx-module §14.4")
      works(on: t)
      unblock(t, e)
      details(t, e)
    }
  }

  private var track: Action {
    Action(
      "TDH.MEM.TRACK", with: CallArgument("td", PageOperand.self), cites: ["tdx-module §10.12"]
    ) { td in
      let t = self.td(at: td)
      tdr(td, in: .RCX, of: .track)
      state(of: t, for: .track)
      Check(refcount[t, parity(epoch[t] + 1)] == 0, else: .tdx(.PREVIOUS_TLB_EPOCH_BUSY))
      Require(epoch[t] + 1 < epochs)
        .because("the scope ends before this epoch", "tdx-module §14.4")
      works(on: t)
      epoch[t] <- epoch[t] + 1
    }
  }
}
