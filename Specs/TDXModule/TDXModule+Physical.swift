import SpecLanguage

extension TDXModule {
  @ListBuilder<Action> var physicalLeaves: [Action] {
    pageReclaim
    pageRDMD
    pageWBINVD
  }

  private var pageReclaim: Action {
    Action(
      "TDH.PHYMEM.PAGE.RECLAIM", with: CallArgument("page", PageOperand.self),
      cites: ["tdx-module §11.1"]
    ) { page in
      let p: Expr<Page> = page.element()
      let t: Expr<TD> = choose(isPartOfLarge(p), large[blockOf[p]], else: owner[p]).value()
      address(page, in: .RCX)
      Check(isPartOfLarge(p) || !isHeld(p), else: .tdx(.OPERAND_BUSY, .RCX))
        .because("the page's PAMT entry is free to be taken exclusively", "tdx-module §6.1")
      Check(isPartOfLarge(p) || type[p] != .NDA, else: .tdx(.PAGE_METADATA_INCORRECT, .RCX))
      Check(!isPartOfLarge(p) || columnOf[p] == 0, else: .tdx(.OPERAND_INVALID, .RCX))
        .because("the first of the pages that the entry is for", "tdx-module §11.1")
      Check(life[t] == .TD_TEARDOWN, else: .tdx(.LIFECYCLE_STATE_INCORRECT))
      Check(type[p] != .TDR || children[t] == 0, else: .tdx(.TD_ASSOCIATED_PAGES_EXIST))
      When(life[t] != .TD_TEARDOWN) { outOfOrder <- true }
      When(isPartOfLarge(p)) {
        large[blockOf[p]] <- nil
        children[t] <- children[t] - span
      } else: {
        reclaim(p, t)
      }
      description(of: p)
    }
  }

  @StatementBuilder private func reclaim(_ p: Expr<Page>, _ t: Expr<TD>) -> [Statement] {
    When(type[p] == .TDR) {
      forget(t)
    } else: {
      children[t] <- children[t] - unitsOf[p]
    }
    When(type[p] == .TDVPR) {
      forget(vcpuAt[p].value())
      vcpuAt[p] <- nil
    }
    release(p)
  }

  /// The TDR is gone: its record can be that of another TD.
  @StatementBuilder private func forget(_ t: Expr<TD>) -> [Statement] {
    life[t] <- .absent
    hkid[t] <- nil
    fatal[t] <- false
    numTDCX[t] <- 0
    maxVCPUs[t] <- 0
    numVCPUs[t] <- 0
    numAssoc[t] <- 0
    Each(Package.self) { q in
      configured[t, q] <- false
      writtenBack[t, q] <- false
    }
  }

  @StatementBuilder private func forget(_ v: Expr<VCPU>) -> [Statement] {
    vcpuTD[v] <- nil
    vcpuState[v] <- .VCPU_UNINITIALIZED
    vcpuPages[v] <- 0
    vcpuEpoch[v] <- 0
    assoc[v] <- nil
  }

  /// The page belongs to a TD as part of a 2 MB page.
  private func isPartOfLarge(_ p: Expr<Page>) -> Condition { large[blockOf[p]] != nil }

  private var pageRDMD: Action {
    Action(
      "TDH.PHYMEM.PAGE.RDMD", with: CallArgument("page", PageOperand.self),
      cites: ["tdx-module §11.2"]
    ) { page in
      address(page, in: .RCX)
      description(of: page.element())
      WritesBack("bepoch", epoch(of: page.element()), with: [.ok])
    }
  }

  /// RCX, RDX and R8: type, owner and size of a page.
  @StatementBuilder private func description(of p: Expr<Page>) -> [Statement] {
    let isLarge = isPartOfLarge(p)
    let small = choose(type[p].in(.NDA, .TDR), Expr<TD?>(TD?.none.literal), else: owner[p])
    WritesBack(
      "type", choose(isLarge, Expr<PageType>(PageType.REG.literal), else: type[p]), with: [.ok])
    WritesBack(
      "size", choose(isLarge, Expr<Int>(1.literal), else: Expr<Int>(0.literal)), with: [.ok])
    WritesBack("owner", choose(isLarge, large[blockOf[p]], else: small), with: [.ok])
  }

  /// The BEPOCH of a page, for the types that have one.
  private func epoch(of p: Expr<Page>) -> Expr<Int?> {
    let small = choose(
      type[p].in(.REG, .EPT), Expr<Int?>(.some(bepoch[p].node)),
      else: Expr<Int?>(Int?.none.literal))
    return choose(
      isPartOfLarge(p), Expr<Int?>(.some(largeEpoch[blockOf[p]].node)), else: small)
  }

  /// Its operand is a page together with any HKID, which is not looked at.
  private var pageWBINVD: Action {
    Action(
      "TDH.PHYMEM.PAGE.WBINVD", with: CallArgument("page", PageOperand.self),
      cites: ["tdx-module §11.3"]
    ) { page in
      self.page(page, in: .RCX, of: .pageWBINVD, .page, is: .NDA)
    }
  }
}
