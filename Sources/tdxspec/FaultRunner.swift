import ArgumentParser
import ConformanceKit
import Simulator
import SimulatorReplay
import Verdicts

/// Measures suites by the faults of the simulator that they notice.
struct FaultRunner {
  let command: TDXSpec.Mutate

  func run() throws -> ExitStatus {
    let named = try command.suite.map { try NamedSuite($0, usual: command.backend) }
    let chosen = try faults(of: named.map(\.system))
    var table = KillTable(faults: chosen, reasons: try command.survivors.map(FaultList.reasons))
    for suite in named {
      table.add(try measure(suite), name: suite.name, isInTurn: command.inTurn)
    }
    let status = table.status(atLeast: command.atLeast)
    if command.json {
      let events =
        [Events.start("mutate", version: TDXSpec.version)] + table.events + [Events.end(status)]
      try Output.standard.write(events.map { $0.text + "\n" }.joined())
    } else {
      try Output.standard.write(table.text)
    }
    return status
  }

  private func measure(_ named: NamedSuite) throws -> SuiteStrength {
    do throws(BackendError) {
      return try SuiteStrength(named.suite, on: named.system)
    } catch {
      throw ValidationError("\(named.name): \(error)")
    }
  }

  /// Those of the list, else all that one of the systems can have.
  private func faults(of systems: [SimulatedSystem]) throws -> [Fault] {
    guard let path = command.faults else {
      let possible = Set(systems.flatMap(\.faults))
      return Fault.every.filter(possible.contains)
    }
    return try FaultList.ids(path).map { id in
      guard let fault = Fault(id: id) else {
        throw ValidationError("\(path): there is no fault '\(id)'")
      }
      return fault
    }
  }
}

/// A suite with what it is run on: `FILE`, or `SYSTEM=FILE`.
private struct NamedSuite {
  let name: String
  let system: SimulatedSystem
  let suite: ConformanceSuite

  init(_ argument: String, usual: BackendChoice) throws {
    guard case .simulator(var system) = usual else {
      throw ValidationError("faults can be put into the simulator only: --backend simulator")
    }
    var path = argument
    if let equals = argument.firstIndex(of: "="),
      let found = SimulatedSystem(name: String(argument[..<equals]))
    {
      system = found
      path = String(argument[argument.index(after: equals)...])
    }
    self.system = system
    suite = try SuiteFile.read(path)
    name = suite.name
  }
}

/// Suites in files.
enum SuiteFile {
  static func read(_ path: String) throws -> ConformanceSuite {
    let bytes = try InputFile.read(path)
    do throws(FormatError) {
      return try StrictJSON.decode(ConformanceSuite.self, from: bytes)
    } catch {
      throw ValidationError("\(path): \(error)")
    }
  }
}
