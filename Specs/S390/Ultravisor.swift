import SpecLanguage
import TDXModuleSpecs

/// The Ultravisor: which configurations and CPUs it knows, and whom each page belongs to
/// (s390-pv §1.4).
///
/// No specification of it is public: what it checks is what the kernel relies on, and unsure.
/// Calls that are busy or partly done are issued again by their wrappers and are one step here.
struct Ultravisor: SpecPart {
  let generations = Parameter(
    "generations", of: Config.self, 1...3, default: 2,
    "configurations that the Ultravisor has room for")
  let faults = Parameter("FAULTS", 0...1, default: 0, "calls of the Ultravisor that may fail")
  let chosen = Parameter(
    "CHOSEN", 0...1, default: 0,
    "1: it is said before a call what in it fails, as tests do; 0: when it is about to")

  let live = Map(Config.self, false, as: "uv_configuration")
  let cpu = Map2(Config.self, VCPU.self, false, as: "uv_cpu")
  let security = Map(Page.self, Security.open, as: "security")
  let owner = Map(Page.self, Config?.none, as: "owner")
  let failure: Var<Failure>
  /// The call that fails, where that is said beforehand.
  let target = Var(UltravisorCall.createConfig, as: "uv_failing_call")

  init() {
    failure = Var(choose(faults == 1, Failure.possible, else: .spent), as: "uv_failure")
  }

  static let createConfig = "Create Secure Configuration"
  static let createCPU = "Create Secure CPU"
  static let destroyCPU = "Destroy Secure CPU"
  static let destroyConfig = "Destroy Secure Configuration"
  static let destroyFast = "Destroy Secure Configuration Fast"

  /// A call fails while a thread is about to make it.
  ///
  /// - Parameter calls: the names of the steps.
  func fails(_ calls: [String]) -> Action {
    let standing = calls.dropFirst().reduce(at(calls[0])) { $0 || at($1) }
    return Action("the Ultravisor refuses a call", cites: "s390-pv §3.4") {
      Require(chosen == 0 && failure == .possible && standing)
      failure <- .armed
    }
  }

  /// It is said which call fails the next time.
  var failsNext: Action {
    let call = NamedArgument<UltravisorCall>("of")
    return Action("the next call of the Ultravisor fails", taking: [call], cites: "s390-pv §3.4") {
      Require(chosen == 1 && failure == .possible)
      failure <- .armed
      target <- Expr<UltravisorCall>(call.node)
    }
  }

  /// The effects of a call, or what is done when it is the one that fails.
  @StatementBuilder
  func attempts(
    _ call: UltravisorCall, _ effects: [Statement], refused: [Statement]
  ) -> [Statement] {
    When(failure == .armed && (chosen == 0 || target == call)) {
      failure <- .spent
      refused
    } else: {
      effects
    }
  }

  /// A call that destroys a configuration: one that has CPUs stays (s390-pv §1.4, rule 8).
  @StatementBuilder
  func destroys(
    _ h: Expr<Config>, by call: UltravisorCall = .destroyConfig, _ effects: [Statement],
    refused: [Statement]
  ) -> [Statement] {
    When(hasCPUs(h)) {
      refused
    } else: {
      attempts(call, effects, refused: refused)
    }
  }

  func hasCPUs(_ h: Expr<Config>) -> Condition { exists(VCPU.self) { v in cpu[h, v] } }

  /// The page's owner has CPUs: the page can be exported, but not destroyed.
  func isInUse(_ p: Expr<Page>) -> Condition {
    exists(Config.self) { h in owner[p] == h && hasCPUs(h) }
  }

  func isSecret(_ p: Expr<Page>) -> Condition { security[p].in(.secure, .orphaned) }

  /// Convert From Secure, or Destroy Secure Storage: the host has the page.
  @StatementBuilder
  func opens(_ p: Expr<Page>) -> [Statement] {
    security[p] <- .open
    owner[p] <- nil
  }

  /// Destroy Secure Configuration, when it succeeds: all its pages are the host's.
  @StatementBuilder
  func forgets(_ h: Expr<Config>) -> [Statement] {
    live[h] <- false
    Each(Page.self) { p in When(owner[p] == h) { opens(p) } }
  }

  /// Destroy Secure Configuration Fast, when it succeeds: its pages are nobody's.
  @StatementBuilder
  func abandons(_ h: Expr<Config>) -> [Statement] {
    live[h] <- false
    Each(Page.self) { p in
      When(owner[p] == h) {
        When(security[p] == .secure) {
          security[p] <- .orphaned
        } else: {
          security[p] <- .open
        }
        owner[p] <- nil
      }
    }
  }
}
