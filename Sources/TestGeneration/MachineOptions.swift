import ConformanceKit
import SpecLanguage
import SpecProgram

/// Which calls tests make, and what they can see.
public struct MachineOptions: Sendable {
  /// The calls that tests make; empty for all that threads can make. A spec without threads has
  /// its one-step actions instead.
  public var calls: [String]
  /// What the system does by itself after a call, such as the release of a file.
  public var deferred: [String]
  /// Variables that a backend can look at.
  public var observed: [String]
  /// The words that tests are in.
  public var words: CallWords
  /// How many states there may be, before states are merged.
  public var mostStates: Int

  public init(
    calls: [String] = [], deferred: [String] = [], observed: [String] = [],
    words: CallWords = .spec, mostStates: Int = 200_000
  ) {
    self.calls = calls
    self.deferred = deferred
    self.observed = observed
    self.words = words
    self.mostStates = mostStates
  }
}

/// A machine cannot be made.
public enum MachineError: Error, Sendable {
  /// A step is not well defined.
  case spec(SpecError)
  /// There are more states than allowed.
  case tooManyStates(limit: Int)
  /// A name is not one of the spec's.
  case unknown(String)
}

extension MachineError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .spec(let error): error.description
    case .tooManyStates(let limit):
      "more than \(limit) states; choose a smaller scope, or fewer calls with --call"
    case .unknown(let message): message
    }
  }
}

/// The calls of a spec, sorted by who makes them.
public struct CallAlphabet: Sendable {
  /// What tests do.
  public let inputs: [CallInput]
  /// What happens by itself after each call.
  public let deferred: [CallInput]
  /// Events of the environment that no test causes: it is taken that they do not happen.
  public let events: [String]
  /// Calls of the spec that were not asked for.
  public let leftOut: [String]
  /// How many inputs have no words of the kernel's.
  public let wordless: Int

  /// - Throws: `unknown` for a name that is no call or event that can begin at this scope.
  public init(_ program: Program, _ options: MachineOptions) throws(MachineError) {
    let actions = program.callerActions
    let names = Set(actions.map(\.name))
    for name in options.calls + options.deferred where !names.contains(name) {
      let known = actions.map(\.name).joined(separator: ", ")
      throw .unknown("'\(name)' cannot begin at this scope; actions: \(known)")
    }
    if let both = options.calls.first(where: options.deferred.contains) {
      throw .unknown("'\(both)' cannot be both a call and deferred")
    }
    var inputs: [CallInput] = []
    var deferred: [CallInput] = []
    var events: [String] = []
    var leftOut: [String] = []
    for action in actions {
      let all = action.choices.map { CallInput(action, $0) }
      let isEvent = program.hasThreads && action.thread == nil
      if options.deferred.contains(action.name) {
        deferred += all
      } else if options.calls.contains(action.name) {
        inputs += all
      } else if isEvent {
        events.append(action.name)
      } else if options.calls.isEmpty {
        inputs += all
      } else {
        leftOut.append(action.name)
      }
    }
    guard !inputs.isEmpty else { throw .unknown("no call can begin at this scope") }
    let spoken = Self.spoken(inputs, options.words, program)
    guard !spoken.isEmpty else {
      throw .unknown("no call of \(program.spec.name) has words of the kernel's")
    }
    wordless = inputs.count - spoken.count
    self.inputs = spoken
    self.deferred = deferred
    self.events = events
    self.leftOut = leftOut
  }
  /// The inputs in other words, without those that have none and those that sound like another.
  private static func spoken(
    _ inputs: [CallInput], _ words: CallWords, _ program: Program
  ) -> [CallInput] {
    guard words == .kernel else { return inputs }
    let kernel = KernelWords(program.scope)
    var taken: Set<Call> = []
    return inputs.compactMap { input in
      let calls = kernel.calls(input.call)
      guard let call = calls.first, taken.insert(call).inserted else { return nil }
      return input.saying(call, Array(calls.dropFirst()))
    }
  }
}
