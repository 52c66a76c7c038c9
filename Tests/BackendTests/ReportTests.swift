import ConformanceReports
import Foundation
import Testing

@testable import ConformanceKit

#if canImport(FoundationXML)
import FoundationXML
#endif

@Suite struct ReportTests {
  /// One test of each ending, with what must be escaped.
  private var record: RunRecord {
    let nasty = "a <b> & \"c\" ::d,e% #f\nsecond\u{1}"
    let tests = ["pass", "fail", "either", "skip", "broken", "late"].map {
      ConformanceTest(
        id: $0, purpose: "purpose of \($0)", steps: [.init(Call("x"), expect: [.success])])
    }
    var report = SuiteReport(suite: "s", profile: Profile(backend: "b"))
    let verdicts: [Verdict] = [.pass, .fail(nasty), .inconclusive(nasty), .skipped(nasty)]
    for (test, verdict) in zip(tests, verdicts) {
      report.tests.append(TestReport(test: test.id, verdict: verdict, stepsRun: 1))
    }
    report.errors = [.init(test: "broken", error: BackendError(.lost, nasty))]
    return RunRecord(
      file: "dir/suite,1.json", suite: .init(name: "s & t", guarantee: "g", tests: tests),
      report: report, notes: ["fail": ["because <of> this"]])
  }

  @Test func countsKeepEndingsApart() {
    #expect(
      record.summary == "1 PASS, 1 FAIL, 1 INCONCLUSIVE, 1 SKIP, 1 ERROR, 1 NOT RUN")
  }

  @Test func junit() throws {
    let text = try record.text(as: .junit)
    let reader = ElementReader()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = reader
    #expect(parser.parse())
    #expect(reader.counts["testcase"] == 6)
    #expect(reader.counts["failure"] == 1)
    #expect(reader.counts["skipped"] == 1)
    #expect(reader.counts["error"] == 3)
    #expect(reader.attributes["tests"] == "6")
    #expect(reader.attributes["failures"] == "1")
    #expect(reader.attributes["errors"] == "3")
    #expect(reader.attributes["skipped"] == "1")
    #expect(reader.types == ["fail", "inconclusive", "error", "not run"])
  }

  @Test func ktap() throws {
    let lines = try record.text(as: .ktap).split(separator: "\n").map(String.init)
    #expect(lines.prefix(2) == ["KTAP version 1", "1..6"])
    let results = lines.dropFirst(2).filter { !$0.hasPrefix("#") }
    #expect(results.count == 6)
    #expect(results.map { $0.hasPrefix("ok") } == [true, false, false, true, false, false])
    #expect(results.count { $0.contains(" # SKIP ") } == 1)
    #expect(results.count { $0.contains(" # ERROR ") } == 2)
  }

  @Test func sarif() throws {
    let text = try record.text(as: .sarif)
    let log = try #require(
      JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(log["version"] as? String == "2.1.0")
    let runs = try #require(log["runs"] as? [[String: Any]])
    let results = try #require(runs.first?["results"] as? [[String: Any]])
    let rules = results.compactMap { $0["ruleId"] as? String }
    #expect(rules == ["FAIL", "INCONCLUSIVE", "SKIP", "ERROR", "NOT RUN"])
    let levels = results.compactMap { $0["level"] as? String }
    #expect(levels == ["error", "warning", "note", "error", "warning"])
  }

  @Test func github() throws {
    let lines = try record.text(as: .github).split(separator: "\n").map(String.init)
    #expect(lines.count == 6)
    #expect(lines.allSatisfy { $0.hasPrefix("::") && $0.contains("file=dir/suite%2C1.json") })
    #expect(lines[0].contains("a <b> & \"c\" ::d,e%25 #f%0Asecond"))
  }

  @Test func console() throws {
    let text = try record.text(as: .console)
    #expect(text.contains("FAIL  fail: purpose of fail"))
    #expect(text.contains("    because <of> this"))
    #expect(!text.contains("PASS  pass"))
  }
}

/// Counts the elements of an XML document.
private final class ElementReader: NSObject, XMLParserDelegate {
  var counts: [String: Int] = [:]
  var attributes: [String: String] = [:]
  var types: [String] = []

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    counts[name, default: 0] += 1
    if name == "testsuite" { self.attributes = attributes }
    if let type = attributes["type"] { types.append(type) }
  }
}
