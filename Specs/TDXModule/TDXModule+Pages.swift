import SpecLanguage

extension TDXModule {
  @ListBuilder<Action> var pageLeaves: [Action] {
    pageAdd
    pageAug
    pageRemove
    pageRelocate
  }

  private var pageAdd: Action {
    Action(
      "TDH.MEM.PAGE.ADD", with: CallArgument("td", PageOperand.self),
      CallArgument("entry", EntryOperand.self), CallArgument("page", PageOperand.self),
      CallArgument("source_unaligned", Bool.self), cites: ["tdx-module §10.4"]
    ) { td, entry, page, sourceUnaligned in
      let t = self.td(at: td)
      let e: Expr<Entry> = entry.element()
      mayBeBad(!sourceUnaligned)
      tdr(td, in: .RDX, of: .pageAdd)
      state(of: t, for: .pageAdd)
      self.entry(entry, levels: 0...0)
      walk(t, to: e)
      entryState(t, e, for: .pageAdd)
      Check(!sourceUnaligned, else: .tdx(.OPERAND_INVALID, .R9))
      self.page(page, in: .R8, of: .pageAdd, .page, is: .NDA, after: [td.element()])
      works(on: t)
      take(page.element(), as: .REG, for: t)
      children[t] <- children[t] + 1
      entryState[t, e] <- .MAPPED
      target[t, e] <- page.element()
      details(t, e)
    }
  }

  private var pageAug: Action {
    Action(
      "TDH.MEM.PAGE.AUG", with: CallArgument("td", PageOperand.self),
      CallArgument("entry", EntryOperand.self), CallArgument("page", PageOperand.self),
      cites: ["tdx-module §10.5"]
    ) { td, entry, page in
      let t = self.td(at: td)
      let e: Expr<Entry> = entry.element()
      let p: Expr<Page> = page.element()
      tdr(td, in: .RDX, of: .pageAug)
      state(of: t, for: .pageAug)
      self.entry(entry, levels: 0...1)
      walk(t, to: e)
      entryState(t, e, for: .pageAug)
      When(levelOf[e] == 0) {
        self.page(page, in: .R8, of: .pageAug, .page, is: .NDA, after: [td.element()])
      } else: {
        block(page, td)
      }
      works(on: t)
      When(levelOf[e] == 0) {
        take(p, as: .REG, for: t)
        children[t] <- children[t] + 1
      } else: {
        large[blockOf[p]] <- t
        largeEpoch[blockOf[p]] <- 0
        children[t] <- children[t] + span
      }
      entryState[t, e] <- .PENDING
      target[t, e] <- p
      details(t, e)
    }
  }

  /// A 2 MB page that nobody owns (tdx-module §5.2).
  @StatementBuilder private func block(
    _ page: Expr<PageOperand>, _ td: Expr<PageOperand>
  ) -> [Statement] {
    let p: Expr<Page> = page.element()
    let b = blockOf[p]
    mayBeBad(page.isElement())
    Check(
      !page.isAny(of: .malformed, .null) && !(page.isElement() && columnOf[p] != 0),
      else: .tdx(.OPERAND_INVALID, .R8)
    ).because("aligned to 2 MB", "tdx-module §5.2")
    Check(!page.isAny(of: .outside), else: .tdx(.OPERAND_ADDR_RANGE_ERROR, .R8))
    Check(
      blockOf[td.element()] != b && !isBlockHeld(b), else: .tdx(.OPERAND_BUSY, .R8)
    ).because("a page in the block is held, be it the TDR of this call", "tdx-module §5.2")
    Check(
      !isLoose[p] && large[b] == nil
        && forAll(Page.self) { q in blockOf[q] == b ==> type[q] == .NDA },
      else: .tdx(.PAGE_METADATA_INCORRECT, .R8)
    ).because("all of the block is free", "tdx-module §5.2")
  }

  private var pageRemove: Action {
    Action(
      "TDH.MEM.PAGE.REMOVE", with: CallArgument("td", PageOperand.self),
      CallArgument("entry", EntryOperand.self), cites: ["tdx-module §10.6"]
    ) { td, entry in
      let t = self.td(at: td)
      let e: Expr<Entry> = entry.element()
      let p = page(behind: t, e)
      tdr(td, in: .RDX, of: .pageRemove)
      state(of: t, for: .pageRemove)
      self.entry(entry, levels: 0...2)
      walk(t, to: e)
      entryState(t, e, for: .pageRemove)
      tracked(t, e)
      works(on: t)
      When(levelOf[e] == 0) {
        release(p)
        children[t] <- children[t] - unitsOf[p]
      } else: {
        large[blockOf[p]] <- nil
        children[t] <- children[t] - span
      }
      entryState[t, e] <- .FREE
      target[t, e] <- nil
      details(t, e)
      WritesBack("page", target[t, e], with: [.ok])
    }
  }

  private var pageRelocate: Action {
    Action(
      "TDH.MEM.PAGE.RELOCATE", with: CallArgument("td", PageOperand.self),
      CallArgument("entry", EntryOperand.self), CallArgument("page", PageOperand.self),
      cites: ["tdx-module §10.7"]
    ) { td, entry, page in
      let t = self.td(at: td)
      let e: Expr<Entry> = entry.element()
      tdr(td, in: .RDX, of: .pageRelocate)
      state(of: t, for: .pageRelocate)
      self.entry(entry, levels: 0...0)
      walk(t, to: e)
      entryState(t, e, for: .pageRelocate)
      Check(
        !(page.isElement() && target[t, e] == page.element()), else: .tdx(.OPERAND_INVALID, .R8)
      ).because("the target is another page", "tdx-module §10.7")
      tracked(t, e)
      self.page(page, in: .R8, of: .pageRelocate, .page, is: .NDA, after: [td.element()])
      works(on: t)
      release(self.page(behind: t, e))
      take(page.element(), as: .REG, for: t)
      target[t, e] <- page.element()
      unblock(t, e)
      details(t, e)
      WritesBack("page", target[t, e], with: [.ok])
    }
  }

  /// A blocked state becomes what it was before.
  func unblock(_ t: Expr<TD>, _ e: Expr<Entry>) -> [Statement] {
    Statements {
      When(entryState[t, e] == .NL_BLOCKED) { entryState[t, e] <- .NL_MAPPED }
      When(entryState[t, e] == .BLOCKED) { entryState[t, e] <- .MAPPED }
      When(entryState[t, e] == .PENDING_BLOCKED) { entryState[t, e] <- .PENDING }
    }
  }
}
