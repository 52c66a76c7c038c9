import SpecLanguage

extension TDXModule {
  @ListBuilder<Action> var largePageLeaves: [Action] {
    pagePromote
    pageDemote
  }

  private var pagePromote: Action {
    Action(
      "TDH.MEM.PAGE.PROMOTE", with: CallArgument("td", PageOperand.self),
      CallArgument("entry", EntryOperand.self), CallArgument("interrupted", Bool.self),
      cites: ["tdx-module §10.8"]
    ) { td, entry, interrupted in
      let t = self.td(at: td)
      let e: Expr<Entry> = entry.element()
      let first = firstBelow[e]
      let block = blockOf[page(behind: t, first)]
      tdr(td, in: .RDX, of: .pagePromote)
      state(of: t, for: .pagePromote)
      self.entry(entry, levels: 1...2)
      walk(t, to: e)
      entryState(t, e, for: .pagePromote)
      tracked(t, e)
      Check(canPromote(t, e), else: .tdx(.EPT_INVALID_PROMOTE_CONDITIONS, .RCX))
        .because("one block, page by page, in one state", "tdx-module §10.8")
      When(interrupted) { Return(.tdx(.INTERRUPTED_RESTARTABLE)) }
      works(on: t)
      Each(Page.self) { q in
        When(blockOf[q] == block && !isLoose[q] || target[t, e] == q) { release(q) }
      }
      large[block] <- t
      children[t] <- children[t] - 1
      entryState[t, e] <- entryState[t, first]
      target[t, e] <- target[t, first]
      Each(Entry.self) { c in
        When(parent[c] == e) {
          entryState[t, c] <- .FREE
          target[t, c] <- nil
        }
      }
      details(t, e)
      WritesBack("page", target[t, e], with: [.ok])
    }
  }

  /// The entries below map the pages of one block in order, all MAPPED or all PENDING. No scope
  /// has the 512 pages of 2 MB that a level more would need.
  private func canPromote(_ t: Expr<TD>, _ e: Expr<Entry>) -> Condition {
    let first = firstBelow[e]
    return levelOf[e] == 1 && entryState[t, first].in(.MAPPED, .PENDING)
      && !isLoose[page(behind: t, first)]
      && forAll(Entry.self) { c in
        parent[c] != e
          || entryState[t, c] == entryState[t, first]
            && blockOf[page(behind: t, c)] == blockOf[page(behind: t, first)]
            && columnOf[page(behind: t, c)] == entryColumn[c]
      }
  }

  private var pageDemote: Action {
    Action(
      "TDH.MEM.PAGE.DEMOTE", with: CallArgument("td", PageOperand.self),
      CallArgument("entry", EntryOperand.self), CallArgument("page", PageOperand.self),
      CallArgument("interrupted", Bool.self), cites: ["tdx-module §10.9"]
    ) { td, entry, page, interrupted in
      let t = self.td(at: td)
      let e: Expr<Entry> = entry.element()
      let block = blockOf[self.page(behind: t, e)]
      tdr(td, in: .RDX, of: .pageDemote)
      state(of: t, for: .pageDemote)
      self.entry(entry, levels: 1...2)
      walk(t, to: e)
      entryState(t, e, for: .pageDemote)
      tracked(t, e)
      self.page(page, in: .R8, of: .pageDemote, .page, is: .NDA, after: [td.element()])
      When(interrupted) { Return(.tdx(.INTERRUPTED_RESTARTABLE)) }
      works(on: t)
      take(page.element(), as: .EPT, for: t, keepingEpoch: true)
      large[block] <- nil
      children[t] <- children[t] + 1
      Each(Page.self) { q in
        When(blockOf[q] == block && !isLoose[q]) { take(q, as: .REG, for: t) }
      }
      demoteEntries(t, e, block)
      entryState[t, e] <- .NL_MAPPED
      target[t, e] <- page.element()
      details(t, e)
    }
  }

  /// The entries below get the state of the large one, unblocked, and the pages of its block.
  private func demoteEntries(
    _ t: Expr<TD>, _ e: Expr<Entry>, _ block: Expr<Block>
  ) -> Statement {
    Each(Entry.self) { c in
      When(parent[c] == e) {
        When(entryState[t, e].in(.MAPPED, .BLOCKED)) {
          entryState[t, c] <- .MAPPED
        } else: {
          entryState[t, c] <- .PENDING
        }
        Each(Page.self) { q in
          When(blockOf[q] == block && !isLoose[q] && columnOf[q] == entryColumn[c]) {
            target[t, c] <- q
          }
        }
      }
    }
  }
}
