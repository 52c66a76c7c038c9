import SpecLanguage

extension TDXModule {
  @ListBuilder<Action> var septLeaves: [Action] {
    septAdd
    septRemove
    septRead
  }

  private var septAdd: Action {
    Action(
      "TDH.MEM.SEPT.ADD", with: CallArgument("td", PageOperand.self),
      CallArgument("entry", EntryOperand.self),
      CallArgument("page", PageOperand.self), CallArgument("allow_existing", Bool.self),
      CallArgument("reserved_flag", Bool.self), cites: ["tdx-module §10.1"]
    ) { td, entry, page, allowExisting, reservedFlag in
      let t = self.td(at: td)
      let e: Expr<Entry> = entry.element()
      mayBeBad(!reservedFlag)
      Check(!reservedFlag, else: .tdx(.OPERAND_INVALID, .RDX))
      tdr(td, in: .RDX, of: .septAdd)
      state(of: t, for: .septAdd)
      self.entry(entry, levels: 1...3)
      walk(t, to: e)
      entryState(t, e, for: .septAdd)
      Check(!page.isAny(of: .null), else: .tdx(.OPERAND_INVALID, .R8))
        .because("version 0 needs a page", "tdx-module §10.1")
      Check(
        entryState[t, e] == .FREE || allowExisting, else: .tdx(.EPT_ENTRY_STATE_INCORRECT, .RCX))
      When(entryState[t, e] != .FREE) { Return(.ok) }
        .because("an existing table stays, and the page is not looked at", "tdx-module §10.1")
      self.page(page, in: .R8, of: .septAdd, .page, is: .NDA, after: [td.element()])
      works(on: t)
      take(page.element(), as: .EPT, for: t)
      children[t] <- children[t] + 1
      entryState[t, e] <- .NL_MAPPED
      target[t, e] <- page.element()
      details(t, e)
    }
  }

  private var septRemove: Action {
    Action(
      "TDH.MEM.SEPT.REMOVE", with: CallArgument("td", PageOperand.self),
      CallArgument("entry", EntryOperand.self), cites: ["tdx-module §10.2"]
    ) { td, entry in
      let t = self.td(at: td)
      let e: Expr<Entry> = entry.element()
      tdr(td, in: .RDX, of: .septRemove)
      state(of: t, for: .septRemove)
      self.entry(entry, levels: 1...3)
      walk(t, to: e)
      entryState(t, e, for: .septRemove)
      tracked(t, e)
      Check(
        forAll(Entry.self) { c in parent[c] == e ==> entryState[t, c] == .FREE },
        else: .tdx(.EPT_PAGE_NOT_FREE, .RCX))
      works(on: t)
      release(page(behind: t, e))
      children[t] <- children[t] - 1
      entryState[t, e] <- .FREE
      target[t, e] <- nil
      details(t, e)
      WritesBack("page", target[t, e], with: [.ok])
    }
  }

  private var septRead: Action {
    Action(
      "TDH.MEM.SEPT.RD", with: CallArgument("td", PageOperand.self),
      CallArgument("entry", EntryOperand.self), cites: ["tdx-module §10.3"]
    ) { td, entry in
      let t = self.td(at: td)
      let e: Expr<Entry> = entry.element()
      tdr(td, in: .RDX, of: .septRead)
      state(of: t, for: .septRead)
      self.entry(entry)
      walk(t, to: e)
      entryState(t, e, for: .septRead)
      details(t, e, also: [.ok])
    }
  }
}
