import SpecLanguage
import TDXModuleSpecs

extension TDXVM {
  /// A SEAMCALL: it tries the TDR as the leaf's row says, and has its effects at its end.
  ///
  /// Its status is the module's (`rule`), unless the environment makes it fail. sc_retry makes it
  /// up to ten times while there is no entropy (kvm-tdx §1.6).
  ///
  /// - Parameters:
  ///   - detail: what tells this call from others of the leaf.
  ///   - rule: the module's checks and effects.
  ///   - effect: what else changes when the call succeeds.
  func seamcall(
    _ leaf: Leaf, _ detail: String = "", by rule: [Statement], into status: Local<Outcome>,
    effect: [Statement] = []
  ) -> Statement {
    let work = Step(leaf.name + detail) {
      injected(leaf)
      fault
      When(module.standIn == 0) { rule }
      When(module.standIn == 1) { failures[leaf.literalExpression] <- 0 }
      effect
    }
    return Call(
      Action(leaf.name, cites: "kvm-tdx §3.4") {
        if let mode = leaf.row?.tdr {
          TryHolding(module.tdr, mode, else: .operandBusyTDR) { work }
        } else {
          work
        }
      }, into: status)
  }

  /// The environment makes this very call fail.
  @StatementBuilder
  private var fault: [Statement] {
    When(module.standIn == 0 && nextStatus != .success) {
      nextStatus <- .success
      When(nextStatus == .noEntropy) { Return(.noEntropy) }
      When(nextStatus == .operandBusy) { Return(.operandBusyTDR) }
      When(nextStatus == .operandInvalid) { Return(.operandInvalid) }
      Return(.otherStatus)
    }
  }

  /// What a recording makes a leaf answer.
  @StatementBuilder
  private func injected(_ leaf: Leaf) -> [Statement] {
    let kind = failing[leaf.literalExpression]
    let left = failures[leaf.literalExpression]
    When(module.standIn == 1 && left > 0 && kind != .noEntropy) {
      left <- left - 1
      When(kind == .operandBusy) { Return(.operandBusyTDR) }
      When(kind == .operandInvalid) { Return(.operandInvalid) }
      Return(.otherStatus)
    }
    When(module.standIn == 1 && left > 9) {
      left <- left - 10
      Return(.noEntropy)
    }
  }

  /// A SEAMCALL that is made again for as long as its operand is busy.
  func insistently(
    _ leaf: Leaf, _ detail: String = "", by rule: [Statement], into status: Local<Outcome>,
    effect: [Statement] = []
  ) -> Statement {
    Repeat(while: status == .operandBusyTDR) {
      seamcall(leaf, detail, by: rule, into: status, effect: effect)
    }
  }

  /// KVM_BUG_ON (kvm-tdx §1.6).
  @StatementBuilder
  func kvmBug(because cause: BugCause = .other) -> [Statement] {
    Step("KVM_BUG_ON") {
      bugged <- true
      vmDead <- true
      When(bugCause == .none) { bugCause <- cause }
    }
  }

  /// TDX_BUG_ON of a status (kvm-tdx §1.6).
  ///
  /// - Parameters:
  ///   - name: the step's name, where it is one of its own.
  ///   - amid: the TD was finalized while the call came to remove a page.
  @StatementBuilder
  func kvmBug(
    after status: Local<Outcome>, as name: String = "TDX_BUG_ON",
    amidFinalize amid: Condition = Condition(.no)
  ) -> [Statement] {
    Step(name) {
      bugged <- true
      vmDead <- true
      When(status == .operandBusyTDR && !amid) { busyUnhandled <- true }
      When(bugCause == .none) {
        bugCause
          <- choose(
            status == .noVCPUs, BugCause.noVCPUs,
            else: choose(
              status == .vcpuStateIncorrect, BugCause.uninitializedVCPU,
              else: choose(
                status == .vcpuAssociated, BugCause.associatedElsewhere,
                else: choose(amid, BugCause.removalAmidFinalize, else: BugCause.other))))
      }
    }
  }
}

extension EnumDomain {
  /// The constant, to index a map with.
  var literalExpression: Expr<Self> { Expr(literal) }
}
