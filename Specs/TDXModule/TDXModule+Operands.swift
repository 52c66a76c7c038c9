import SpecLanguage

/// The procedures that leaves share (tdx-module §5).
extension TDXModule {

  // MARK: What a vCPU in the guest holds

  /// Some vCPU of the TD is in the guest and holds the TDR shared.
  func isEntered(_ t: Expr<TD>) -> Condition {
    exists(LP.self) { l in
      Condition(.and([(inGuest[l] != nil).node, (vcpuTD[inGuest[l].value()] == t).node]))
    }
  }

  /// The page is a TDR or TDVPR that a vCPU in the guest holds shared.
  func isHeld(_ p: Expr<Page>) -> Condition {
    type[p] == .TDR && isEntered(owner[p].value()) || isHeldTDVPR(p)
  }

  private func isHeldTDVPR(_ p: Expr<Page>) -> Condition {
    type[p] == .TDVPR && exists(LP.self) { l in inGuest[l] == vcpuAt[p] }
  }

  /// A TDVPR in the block is held, and with it the block's PAMT entry (tdx-module §5.2).
  func isBlockHeld(_ b: Expr<Block>) -> Condition {
    exists(Page.self) { q in blockOf[q] == b && isHeldTDVPR(q) }
  }

  // MARK: Explicit pages

  /// The operand names a page.
  @StatementBuilder func address(
    _ operand: Expr<PageOperand>, in register: OperandID
  ) -> [Statement] {
    mayBeBad(operand.isElement())
    Check(
      !operand.isAny(of: .malformed, .null), else: .tdx(.OPERAND_INVALID, register)
    ).because("aligned, within MAX_PA, without HKID bits", "tdx-module §5.2")
    Check(!operand.isAny(of: .outside), else: .tdx(.OPERAND_ADDR_RANGE_ERROR, register))
      .because("in a TDMR", "tdx-module §5.2")
  }

  /// Scopes leave operands that name nothing out unless they ask for them.
  func mayBeBad(_ isGood: Condition) -> Statement {
    Require(badOperands == 1 || isGood)
      .because("the scope leaves out operands that name nothing", "tdx-module §5.2")
  }

  /// An explicit 4 KB page: its address, its lock, its size and type, in that order.
  ///
  /// - Parameters:
  ///   - lock: the column of the lock matrix that says how it is taken.
  ///   - held: pages that the call has taken before.
  @StatementBuilder func page(
    _ operand: Expr<PageOperand>, in register: OperandID, of leaf: ModuleLeaf,
    _ lock: ModuleLock, is wanted: PageType, after held: [Expr<Page>] = []
  ) -> [Statement] {
    let p: Expr<Page> = operand.element()
    address(operand, in: register)
    if leaf.lock(lock) == .EX {
      Check(
        held.reduce(!isHeld(p)) { $0 && p != $1 }, else: .tdx(.OPERAND_BUSY, register)
      ).because("the page's PAMT entry is free to be taken exclusively", "tdx-module §6.1")
    }
    Check(
      large[blockOf[p]] == nil && type[p] == wanted,
      else: .tdx(.PAGE_METADATA_INCORRECT, register)
    ).because("a 4 KB page of the wanted type", "tdx-module §5.2")
  }

  func tdr(
    _ operand: Expr<PageOperand>, in register: OperandID, of leaf: ModuleLeaf
  )
    -> [Statement]
  {
    page(operand, in: register, of: leaf, .TDR, is: .TDR)
  }

  func tdvpr(
    _ operand: Expr<PageOperand>, in register: OperandID, of leaf: ModuleLeaf
  )
    -> [Statement]
  {
    page(operand, in: register, of: leaf, .TDVPR, is: .TDVPR)
  }

  func td(at operand: Expr<PageOperand>) -> Expr<TD> { owner[operand.element()].value() }
  func vcpu(at operand: Expr<PageOperand>) -> Expr<VCPU> {
    vcpuAt[operand.element()].value()
  }

  // MARK: The TD's state

  /// TDSTATE (tdx-module §5.4).
  @StatementBuilder func state(of t: Expr<TD>, for leaf: ModuleLeaf) -> [Statement] {
    Check(!fatal[t], else: .tdx(.TD_FATAL))
    keysConfigured(t)
    Check(numTDCX[t] >= tdcxPages, else: .tdx(.TDCS_NOT_ALLOCATED))
    Check(allows(leaf, opState[t]), else: .tdx(.OP_STATE_INCORRECT))
      .because("the row of \(leaf.name)", "tdx-module §14.2")
  }

  func keysConfigured(_ t: Expr<TD>) -> Statement {
    Check(life[t] == .TD_KEYS_CONFIGURED, else: .tdx(.TD_KEYS_NOT_CONFIGURED))
  }

  /// The leaf's row of tdx-module §14.2.
  private func allows(_ leaf: ModuleLeaf, _ state: Cell<OpState>) -> Condition {
    let allowed = OpState.allCases.enumerated().filter {
      leaf.opStates?.contains($0.offset) ?? true
    }
    return Condition(.or(allowed.map { Node.equal(state.node, $0.element.literal) }))
  }

  // MARK: The S-EPT

  /// A GPA and level that name an entry of a level that the leaf takes (tdx-module §5.5).
  @StatementBuilder func entry(
    _ operand: Expr<EntryOperand>, levels range: ClosedRange<Int> = 0...3
  ) -> [Statement] {
    let e: Expr<Entry> = operand.element()
    mayBeBad(operand.isElement())
    Check(
      operand.isElement() && levelOf[e] >= range.lowerBound && levelOf[e] <= range.upperBound,
      else: .tdx(.OPERAND_INVALID, .RCX)
    ).because("a private GPA, aligned for a level that the leaf takes", "tdx-module §5.5")
  }

  /// Where a walk to the entry ends: at the first entry that is no mapped non-leaf.
  func reached(_ t: Expr<TD>, _ e: Expr<Entry>) -> Expr<Entry> {
    choose(
      stops(t, at3[e]), at3[e],
      else: choose(
        stops(t, at2[e]), at2[e], else: choose(stops(t, at1[e]), at1[e], else: e)))
  }

  private func stops(_ t: Expr<TD>, _ e: Expr<Entry>) -> Condition {
    entryState[t, e] != .NL_MAPPED
  }

  /// SEPTWALK (tdx-module §5.6): every entry above is a mapped non-leaf.
  func walk(_ t: Expr<TD>, to e: Expr<Entry>) -> Statement {
    let passes = [at3[e], at2[e], at1[e]].map { above in
      above == e || entryState[t, above] == .NL_MAPPED
    }
    return Check(
      passes[0] && passes[1] && passes[2], else: .tdx(.EPT_WALK_FAILED, .RCX)
    ).because("present tables down to the level", "tdx-module §5.6")
  }

  /// SEPTSTATE (tdx-module §5.6): the leaf's row of tdx-module §14.2b.
  func entryState(_ t: Expr<TD>, _ e: Expr<Entry>, for leaf: ModuleLeaf) -> Statement {
    let allowed = SEPTState.allCases.filter { leaf.entryStates?.contains($0.index) ?? true }
    return Check(
      Condition(.or(allowed.map { .equal(entryState[t, e].node, $0.literal) })),
      else: .tdx(.EPT_ENTRY_STATE_INCORRECT, .RCX)
    ).because("the row of \(leaf.name)", "tdx-module §14.2b")
  }

  /// The page that an entry points at. It must point at one.
  func page(behind t: Expr<TD>, _ e: Expr<Entry>) -> Expr<Page> { target[t, e].value() }

  /// The entry maps a 2 MB page.
  func isLarge(_ t: Expr<TD>, _ e: Expr<Entry>) -> Condition {
    levelOf[e] == 1 && !entryState[t, e].in(.NL_MAPPED, .NL_BLOCKED)
  }

  // MARK: TLB tracking

  func parity(_ number: some Readable<Int>) -> Expr<Parity> { Expr((number % 2).node) }

  /// tracked(b) of tdx-module §14.4.
  func isTracked(_ t: Expr<TD>, _ b: some Readable<Int>) -> Condition {
    b + 1 < epoch[t] || b + 1 == epoch[t] && refcount[t, parity(b)] == 0
  }

  /// The page that the entry points at was blocked long enough ago.
  func isTracked(_ t: Expr<TD>, _ e: Expr<Entry>) -> Condition {
    let p = page(behind: t, e)
    return isTracked(
      t, choose(isLarge(t, e), largeEpoch[blockOf[p]], else: bepoch[p]))
  }

  /// TRACKED (tdx-module §5.7).
  @StatementBuilder func tracked(_ t: Expr<TD>, _ e: Expr<Entry>) -> [Statement] {
    Check(
      opState[t] != .RUNNABLE || isBlocked(t, e), else: .tdx(.GPA_RANGE_NOT_BLOCKED, .RCX)
    ).because("vCPUs may run", "tdx-module §5.7")
    Check(
      opState[t] != .RUNNABLE || isTracked(t, e), else: .tdx(.TLB_TRACKING_NOT_DONE, .RCX)
    ).because("every vCPU that entered before the blocking has left", "tdx-module §14.4")
  }

  func isBlocked(_ t: Expr<TD>, _ e: Expr<Entry>) -> Condition {
    entryState[t, e].in(.NL_BLOCKED, .BLOCKED, .PENDING_BLOCKED)
  }

  // MARK: Effects

  /// History: a page leaf has an effect.
  func works(on t: Expr<TD>) -> Statement {
    When(life[t] != .TD_KEYS_CONFIGURED) { outOfOrder <- true }
  }

  /// The page becomes the TD's, of that type.
  @StatementBuilder func take(
    _ p: Expr<Page>, as wanted: PageType, for t: Expr<TD>, keepingEpoch: Bool = false
  ) -> [Statement] {
    type[p] <- wanted
    owner[p] <- t
    if !keepingEpoch { bepoch[p] <- 0 }
  }

  /// The page belongs to nobody. Its BEPOCH stays where a demotion could show it.
  @StatementBuilder func release(_ p: Expr<Page>) -> [Statement] {
    type[p] <- .NDA
    owner[p] <- nil
    When(blocks == 1) { bepoch[p] <- 0 }
      .because("only TDH.MEM.PAGE.DEMOTE keeps it, and there are no blocks", "tdx-module §10.9")
  }

  /// Answers after which RCX and RDX tell the entry that the walk reached.
  private static let detailed: [Outcome] = [
    .tdx(.EPT_WALK_FAILED, .RCX), .tdx(.EPT_ENTRY_STATE_INCORRECT, .RCX),
    .tdx(.GPA_RANGE_NOT_BLOCKED, .RCX), .tdx(.GPA_RANGE_ALREADY_BLOCKED, .RCX),
    .tdx(.EPT_PAGE_NOT_FREE, .RCX), .tdx(.EPT_INVALID_PROMOTE_CONDITIONS, .RCX),
  ]

  /// On failure RCX and RDX tell where the walk ended (tdx-module §2.6).
  @StatementBuilder func details(
    _ t: Expr<TD>, _ e: Expr<Entry>, also answers: [Outcome] = []
  ) -> [Statement] {
    WritesBack("level", levelOf[reached(t, e)], with: Self.detailed + answers)
    WritesBack("sept", entryState[t, reached(t, e)], with: Self.detailed + answers)
  }
}
