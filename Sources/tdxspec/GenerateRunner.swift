import ArgumentParser
import ConformanceKit
import SpecLanguage
import SpecProgram
import TestGeneration
import TraceValidation
import Verdicts

/// Makes a suite and says what it is.
struct GenerateRunner {
  let command: TDXSpec.Generate

  func run() throws -> ExitStatus {
    guard let criterion = Criterion(command.criterion, k: command.k) else {
      throw ValidationError("there is no criterion '\(command.criterion)'")
    }
    if criterion == .deviations { return try writeDeviations() }
    do {
      if command.format == .rv { return try writeAutomaton() }
      if case .parallel(let calls) = criterion { return try races(criterion, calls) }
      let (writer, plan) = try plan(criterion)
      let suite = writer.suite(plan, criterion)
      guard !suite.tests.isEmpty else { throw ValidationError(writer.silence) }
      if let output = command.output {
        try FileOutput.write(try SuiteText(suite).text(), to: output)
      }
      if let path = command.certificate, let certificate = Certificate(plan, writer, suite) {
        let bytes = try StrictJSON.line(certificate)
        try FileOutput.write(String(decoding: bytes, as: UTF8.self), to: path)
      }
      try report(
        GeneratedSuite(
          writer, suite, guarantee: plan.guarantee, walks: plan.walks, plan.hypotheses))
      return .success
    } catch let error as MachineError {
      return try refuse(error)
    } catch let error as PlanError {
      Terminal.complain(error.description)
      return .noAnswer
    }
  }

  private func writeAutomaton() throws -> ExitStatus {
    let automaton = RVAutomaton(try writer().0.machine)
    let path = command.output ?? ""
    let stem = path.hasSuffix(".dot") ? String(path.dropLast(4)) : path
    let monitor = String(
      (stem.split(separator: "/").last ?? "monitor").filter {
        $0.isLetter || $0.isNumber || $0 == "_"
      })
    try FileOutput.write(automaton.dot(), to: path)
    try FileOutput.write(automaton.kunit(monitor), to: "\(stem)_kunit.c")
    let (states, events) = (automaton.states.count, automaton.events.count)
    let (negatives, unsure) = (automaton.negatives.count, automaton.unsure)
    if command.json {
      let event = JSONValue.members([
        "event": "rv-automaton", "states": .int(states), "events": .int(events),
        "negatives": .int(negatives), "unsure": .int(unsure),
      ])
      let events = [
        Events.start("generate", version: TDXSpec.version), event, Events.end(.success),
      ]
      try Output.standard.write(events.map { $0.text + "\n" }.joined())
    } else {
      try Output.standard.write(
        "\(states) states, \(events) events, \(negatives) sequences to be reported; "
          + "\(unsure) calls that lead to several states are left out\n")
    }
    return .success
  }

  private func races(_ criterion: Criterion, _ calls: Int) throws -> ExitStatus {
    let (writer, engine) = try writer()
    let options = RaceOptions(
      calls: calls, statesPerPair: command.states, condoned: command.condone, seed: command.seed)
    let plan = try RacePlan(engine, writer, options)
    let suite = writer.suite(plan, criterion)
    guard !suite.tests.isEmpty else {
      throw ValidationError(
        "there are no two calls that two threads can make at once; choose a scope with two threads")
    }
    if let output = command.output {
      try FileOutput.write(try SuiteText(suite).text(), to: output)
    }
    try report(GeneratedSuite(writer, suite, guarantee: plan.guarantee, walks: 0, []))
    return .success
  }

  private func writeDeviations() throws -> ExitStatus {
    let spec = try SpecLookup.describe(command.spec ?? "", mutate: command.scope.mutate)
    if spec.name == ModuleTraceCheck.spec { return try writeModuleDeviations(spec) }
    var options = DeviationSuite.Options()
    options.environments = Set(command.environment)
    options.isThorough = command.thorough
    options.seesSeamcalls = command.observe.contains(SeamcallList.name)
    options.seesWritten = command.observe.contains("written")
    if let walks = command.random { options.walks = walks }
    options.seed = command.seed
    let made = DeviationSuite(spec, options)
    guard !made.tests.isEmpty else {
      throw ValidationError("\(spec.name) answers no recordings of such an environment")
    }
    if let output = command.output {
      try FileOutput.write(try SuiteText(made.suite, sharesSteps: true).text(), to: output)
    }
    try Output.standard.write(GeneratedDeviations(made).text(json: command.json))
    return .success
  }

  private func writeModuleDeviations(_ spec: SpecDescription) throws -> ExitStatus {
    let scope = try ResolvedScope(spec, scope: ModuleTraceCheck.scope)
    let program = try Program(spec, scope, ProgramOptions(withoutProperties: true))
    let made = try ModuleSuite(
      program, isThorough: command.thorough, walks: command.random ?? 40, seed: command.seed)
    if let output = command.output {
      try FileOutput.write(try SuiteText(made.suite, sharesSteps: true).text(), to: output)
    }
    try Output.standard.write(GeneratedDeviations(made).text(json: command.json))
    return .success
  }

  private func refuse(_ error: MachineError) throws -> ExitStatus {
    switch error {
    case .spec(let error): throw error
    case .unknown(let message): throw ValidationError(message)
    case .tooManyStates:
      Terminal.complain(error.description)
      return .noAnswer
    }
  }

  private func writer() throws -> (SuiteWriter, GuardTable) {
    let spec = try SpecLookup.describe(command.spec ?? "", mutate: command.scope.mutate)
    let resolved = try ResolvedScope(
      spec, scope: command.scope.scope, overrides: try command.scope.overrides())
    let program = try Program(spec, resolved, ProgramOptions(withoutProperties: true))
    let options = MachineOptions(
      calls: command.call, deferred: command.deferred, observed: command.observe,
      words: command.words,
      mostStates: command.maxStates)
    let alphabet = try CallAlphabet(program, options)
    let engine = try GuardTable(try GroundProgram(program), monitors: [])
    let machine = try ObservableMachine(engine, alphabet, options)
    return (SuiteWriter(machine, alphabet, program, scope: command.scope.scope), engine)
  }

  private func plan(_ criterion: Criterion) throws -> (SuiteWriter, CallPlan) {
    let (made, engine) = try writer()
    var writer = made
    try writer.condone(command.condone, engine)
    var planning = PlanOptions(criterion)
    planning.resetCost = command.resetCost
    planning.walks = command.random ?? 0
    planning.walkLength = command.length
    planning.seed = command.seed
    planning.mostCalls = command.maxCalls
    return (writer, try CallPlan(writer, planning))
  }

  private func report(_ made: GeneratedSuite) throws {
    if command.json {
      let events = [
        Events.start("generate", version: TDXSpec.version), made.event, Events.end(.success),
      ]
      try Output.standard.write(events.map { $0.text + "\n" }.joined())
    } else {
      try Output.standard.write(made.text)
    }
  }
}

/// A suite as `generate` tells of it.
struct GeneratedSuite {
  private let writer: SuiteWriter
  private let suite: ConformanceSuite
  private let guarantee: String
  private let walks: Int
  private let hypotheses: [String]

  init(
    _ writer: SuiteWriter, _ suite: ConformanceSuite, guarantee: String, walks: Int,
    _ hypotheses: [String]
  ) {
    self.writer = writer
    self.suite = suite
    self.guarantee = guarantee
    self.walks = walks
    self.hypotheses = hypotheses + writer.hypotheses
  }

  private var calls: Int { suite.tests.reduce(0) { $0 + $1.callCount } }

  var text: String {
    let machine = writer.machine
    var lines = [
      "\(suite.name): \(suite.tests.count) tests, \(calls) calls",
      "machine: \(machine.stateCount) states, \(machine.inputs.count) inputs "
        + "(fingerprint \(machine.fingerprint))"
        + (machine.idleInputs == 0 ? "" : "; \(machine.idleInputs) more can begin in no state"),
    ]
    lines += machine.census.map { kind, count in
      let digits = "\(count)"
      return String(repeating: " ", count: max(2, 10 - digits.count)) + digits + "  \(kind)"
    }
    lines.append("guarantee: \(guarantee)")
    lines += hypotheses.map { "  provided that \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  var event: JSONValue {
    let machine = writer.machine
    return .members([
      "event": "suite", "name": .string(suite.name), "tests": .int(suite.tests.count),
      "calls": .int(calls), "walks": .int(walks), "states": .int(machine.stateCount),
      "inputs": .int(machine.inputs.count), "idle_inputs": .int(machine.idleInputs),
      "fingerprint": .string(machine.fingerprint),
      "cells": .object(machine.census.map { .init(name: $0.kind, value: .int($0.count)) }),
      "guarantee": .string(guarantee),
      "hypotheses": .array(hypotheses.map { .string($0) }),
    ])
  }
}
