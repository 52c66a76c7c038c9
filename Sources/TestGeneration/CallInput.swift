import ConformanceKit
import SpecLanguage
import SpecProgram

/// A value in a test, as against those of a spec's language.
public typealias TestValue = ConformanceKit.Value

/// A call of a spec with its arguments: what a test can do.
public struct CallInput: Sendable {
  /// Index of the procedure.
  let procedure: Int
  /// The thread that makes it; `nil` for a one-step action.
  let thread: Int?
  let arguments: [Int]
  /// The call as tests write it.
  public private(set) var call: Call
  /// Calls with other values of the same classes, which the spec takes to be answered alike.
  private(set) var others: [Call] = []

  /// The same call in other words.
  func saying(_ call: Call, _ others: [Call]) -> CallInput {
    var result = self
    result.call = call
    result.others = others
    return result
  }

  init(_ action: CallerAction, _ arguments: [Int]) {
    procedure = action.procedure
    thread = action.thread
    self.arguments = arguments
    var named: [String: TestValue] = [:]
    for (argument, number) in zip(action.arguments, arguments) {
      named[Self.free(argument.name, in: named)] = TestValue(number, of: argument.type)
    }
    call = Call(action.name, named)
  }

  /// Arguments without names are called by their type's letter, so that two may be called alike.
  private static func free(_ name: String, in taken: [String: TestValue]) -> String {
    var number = 1
    var result = name
    while taken[result] != nil {
      number += 1
      result = "\(name)\(number)"
    }
    return result
  }
}

extension TestValue {
  /// A value of a spec as a test writes it: numbers and truth as such, all else by its name.
  init(_ number: Int, of type: ValueType) {
    switch type {
    case .bool: self = .flag(number != 0)
    case .integer, .counter: self = .integer(Int64(number))
    case .enumeration, .element, .optional, .operand, .set, .outcome:
      self = .text(Reading.value(number, of: type))
    }
  }
}

/// What a caller sees of a call: how it ended, and what was asked to be looked at.
public struct SeenAnswer: Hashable, Sendable {
  public let outcome: SpecLanguage.Outcome
  /// What can be seen after the call, by name, in the spec's words.
  public let observed: [String: String]

  /// `-EBUSY`, `ok, seeing td_lifecycle = blocked`.
  public var text: String {
    guard !observed.isEmpty else { return outcome.text }
    let seen = observed.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }
    return "\(outcome.text), seeing \(seen.joined(separator: ", "))"
  }

  /// The outcome as a test expects it.
  ///
  /// A success without a value of its own may return any. A status is what the call returns.
  public var expected: ExpectedOutcome {
    switch outcome.kind {
    case .success:
      if let number = Int64(outcome.name) { return .exactly(.ok(.integer(number))) }
      return outcome == .ok ? .success : .exactly(.ok(.text(outcome.name)))
    case .errno:
      // A name that the table does not list is shown as the text it is, and matches nothing else.
      guard let errno = Errno(name: outcome.name) else {
        return .exactly(.ok(.text(outcome.text)))
      }
      return .exactly(.errno(errno))
    case .status:
      if let signal = Self.signals[outcome.name] { return .exactly(.signal(signal)) }
      if outcome.name.hasPrefix("KVM_EXIT_") { return .exactly(.exit(outcome.name, nil)) }
      return .exactly(.ok(.text(outcome.name)))
    }
  }

  /// Linux, include/uapi/asm-generic/signal.h.
  private static let signals: [String: Int32] = ["SIGBUS": 7, "SIGSEGV": 11]

  /// What must be seen after the call.
  public var observations: [ObservationID: TestValue] {
    observed.mapValues { TestValue.text($0) }.asObservations
  }
}
