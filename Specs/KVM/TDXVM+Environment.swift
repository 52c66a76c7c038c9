import SpecLanguage
import TDXModuleSpecs

private let leaf = NamedArgument<Leaf>("leaf")
private let failure = NamedArgument<LeafStatus>("status")
private let count = NamedArgument<Int>("count", in: 0...11)
private let exit = NamedArgument<GuestExit>("exit")
private let place = NamedArgument<Page?>("gpa")
private let taken = NamedArgument<Bool>("taken")

/// What neither KVM nor its callers decide.
extension TDXVM {
  /// Other TDs take the last KeyID, or give one back.
  var otherTDs: Action {
    Action("other TDs' KeyIDs", taking: [taken], cites: "kvm-tdx §1.4") {
      Require(environment == 1 && (isReplay || at("tdx_guest_keyid_alloc")))
      keyIDsTaken <- Expr<Bool>(taken.node)
    }
  }

  /// The module of a recording is told beforehand what to answer.
  private var isReplay: Condition { module.standIn == 1 }

  /// A recording's module: the next calls of a leaf fail.
  var fails: Action {
    Action("a SEAMCALL will fail", taking: [leaf, failure, count], cites: "kvm-tdx §4.6") {
      Require(faults == 1 && isReplay)
      failing[leaf] <- Expr<LeafStatus>(failure.node)
      failures[leaf] <- Expr<Int>(count.node)
    }
  }

  /// The SEAMCALL that some thread is about to make fails, with a status that KVM tells from others
  /// there: busy, also twice in a row, where it tries again.
  var failsNow: Action {
    Action("the SEAMCALL fails", taking: [failure], cites: "kvm-tdx §4.6", "kvm-tdx §8.3") {
      Require(faults == 1 && !isReplay && nextStatus == .success)
      Require(!hasFailed || failure == .operandBusy && wasBusy)
      Require(
        failure == .other && isAt(Leaf.allCases)
          || failure == .noEntropy && isAt([.mngCreate, .mngAddCX])
          || failure == .operandInvalid && isAt([.mngInit])
          || failure == .operandBusy
            && isAt([
              .memRangeBlock, .memTrack, .memPageRemove, .memSEPTAdd, .memPageAdd, .memPageAug,
              .mrFinalize,
            ])
      )
      nextStatus <- Expr<LeafStatus>(failure.node)
      hasFailed <- true
      wasBusy <- failure == .operandBusy && !hasFailed
      When(failure == .operandInvalid || failure == .noEntropy) { refusedByModule <- true }
    }
  }

  /// Some thread is about to make a call of one of the leaves.
  private func isAt(_ leaves: [Leaf]) -> Condition {
    leaves.flatMap(Self.steps).map { at($0) }.reduce(Condition(.no)) { $0 || $1 }
  }

  /// The steps at which a leaf is called.
  private static func steps(of leaf: Leaf) -> [String] {
    switch leaf {
    case .memSEPTAdd: (1...4).map { "\(leaf.name) (level \($0))" }
    case .phymemPageWBINVD: [leaf.name, "\(leaf.name) of the page"]
    default: [leaf.name]
    }
  }

  /// Why the guest exits next.
  var exits: Action {
    Action("the guest's next exit", taking: [exit, place], cites: "kvm-tdx §2.5") {
      Require(environment == 1 && (isReplay || at("TDH.VP.ENTER")))
      nextExit <- Expr<GuestExit>(exit.node)
      exitPage <- Expr<Page?>(place.node)
    }
  }
}
