import ArgumentParser
import CertificateChecker
import Foundation
import Verdicts

extension TDXSpec {
  /// `tdxspec certificate`.
  struct Certificate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Checks that a suite is complete, from its certificate alone.",
      discussion: """
        The checker shares no code with what makes suites and knows no spec: that the machine in \
        the certificate is the spec's is shown by generating the suite once more. What a \
        certificate shows is in docs/certificates.md.

        EXAMPLES
          tdxspec generate kvm/tdx --scope build --criterion hsi -o build.json \
        --certificate build.certificate.json
          tdxspec certificate build.certificate.json --suite build.json

        EXIT CODES
          0 the suite is complete  1 it is not, or the certificate does not show it
          2 a file cannot be read
        """)

    @Argument(help: "The certificate.")
    var certificate: String

    @Option(name: .long, help: ArgumentHelp("The suite.", valueName: "file"))
    var suite: String

    @Flag(name: .long, help: "JSON lines on standard output (docs/events.md).")
    var json = false

    func run() throws {
      let certificate = try InputFile.read(certificate)
      let suite = try InputFile.read(suite)
      var status = ExitStatus.success
      let text: String
      let event: JSONValue
      do throws(CertificateProblem) {
        let shown = try CertifiedGuarantee(certificate: certificate, suite: suite)
        text = Self.text(shown)
        event = Self.event(shown)
      } catch {
        status = .failure
        text = "NOT COMPLETE: \(error)\n"
        event = .members([
          "event": "certificate", "complete": false, "condition": .string(error.kind.rawValue),
          "message": .string(error.message),
        ])
      }
      if json {
        let events = [
          Events.start("certificate", version: TDXSpec.version), event, Events.end(status),
        ]
        try Output.standard.write(events.map { $0.text + "\n" }.joined())
      } else {
        try Output.standard.write(text)
      }
      if status != .success { throw CommandExit(status: status) }
    }

    private static func text(_ shown: CertifiedGuarantee) -> String {
      let word = shown.assumed == 0 ? "COMPLETE" : "COMPLETE WITH ASSUMPTIONS"
      var text = """
        \(word): \(shown.suite), \(shown.tests) tests
        finds every implementation that differs from the machine of \(shown.spec) \
        (\(shown.states) states, \(shown.inputs) inputs) and whose states are each reached by a \
        sequence of the cover and at most \(shown.k) more calls
        \(shown.pairs) pairs of sequences were found to lead apart

        """
      if shown.assumed > 0 {
        text += "taken for granted: it keeps \(shown.assumed) pairs of states apart that no "
        text += "sequence of calls with certain answers tells apart\n"
      }
      return text
    }

    private static func event(_ shown: CertifiedGuarantee) -> JSONValue {
      .members([
        "event": "certificate", "complete": true, "spec": .string(shown.spec),
        "suite": .string(shown.suite), "k": .int(shown.k), "states": .int(shown.states),
        "inputs": .int(shown.inputs), "tests": .int(shown.tests), "pairs": .int(shown.pairs),
        "assumed": .int(shown.assumed),
      ])
    }
  }
}

/// Files that the command line names.
enum InputFile {
  /// - Throws: a usage error with the file's name.
  static func read(_ path: String) throws -> [UInt8] {
    do {
      return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw ValidationError("cannot read \(path): \(error.localizedDescription)")
    }
  }
}
