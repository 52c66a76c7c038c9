/// What a runner may do and how long it waits.
public struct RunnerOptions: Hashable, Sendable {
  /// vCPUs are created and guests run, where otherwise nothing does.
  public var allowsRun = false
  /// The kernel is there for tests alone: races are tried on it, and guests run.
  public var ownsKernel = false
  /// For one call, in milliseconds; a call that takes longer has no answer.
  public var callLimit = 8_000
  /// In how many ways the calls of a race are put together.
  public var raceAttempts = 12
  /// How long it waits for a request, in milliseconds; negative for ever.
  public var idleLimit = -1

  /// The usual ones.
  public init() {}

  /// Reads command line arguments; nil and the reason for those that are not known.
  public init(_ arguments: [String]) throws(UnknownOption) {
    var rest = arguments[...]
    while let name = rest.popFirst() {
      switch name {
      case "--allow-run": allowsRun = true
      case "--own-kernel": ownsKernel = true
      case "--call-limit":
        guard let seconds = rest.popFirst().flatMap({ Int($0) }), 1...600 ~= seconds else {
          throw UnknownOption(text: "--call-limit takes seconds from 1 to 600")
        }
        callLimit = seconds * 1_000
      case "--race-attempts":
        guard let count = rest.popFirst().flatMap({ Int($0) }), 1...1_000 ~= count else {
          throw UnknownOption(text: "--race-attempts takes a number from 1 to 1000")
        }
        raceAttempts = count
      default: throw UnknownOption(text: "there is no option '\(name)'")
      }
    }
  }

  /// An option that is not there, or a value that it does not take.
  public struct UnknownOption: Error, Hashable {
    /// What is wrong, for a person.
    public let text: String
  }

  var rules: TestProcess.Rules {
    TestProcess.Rules(allowsRun: allowsRun || ownsKernel, ownsKernel: ownsKernel)
  }

  /// An emulated machine needs longer delays for its threads to pass each other.
  var plan: RacePlan { RacePlan(attempts: raceAttempts, unit: ownsKernel ? 4_000 : 500) }
}
