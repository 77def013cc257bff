package sluice.guest.check;

import java.io.StringReader;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.stream.IntStream;

import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

import static org.assertj.core.api.Assertions.assertThat;

/** Of formats that are written when a run has ended. */
class ReportsTest {
    private static final HtmlReport HTML = new HtmlReport(ZonedDateTime.of(2026, 3, 4, 5, 6, 7, 0, ZoneOffset.UTC));

    private static Document parse(String xml) throws Exception {
        DocumentBuilder parser = DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder();
        return parser.parse(new InputSource(new StringReader(xml)));
    }

    private static List<Element> elements(Document document, String name) {
        NodeList nodes = document.getElementsByTagName(name);
        return IntStream.range(0, nodes.getLength()).mapToObj(i -> (Element) nodes.item(i)).toList();
    }

    @Test
    void junitCountsAndNamesEachCell() throws Exception {
        Document document = parse(ReportSamples.written(new JunitReport()));
        Element root = document.getDocumentElement();
        assertThat(root.getTagName()).isEqualTo("testsuites");
        assertThat(List.of(root.getAttribute("tests"), root.getAttribute("failures"), root.getAttribute("errors"),
                root.getAttribute("skipped"), root.getAttribute("time"))).containsExactly("5", "1", "1", "2", "41.500");
        assertThat(elements(document, "testsuite")).extracting(suite -> suite.getAttribute("name"))
                .containsExactly("iommu-none.direct.coherent", "iommu-none.bounced.coherent",
                        "iommu-intel-strict.direct.non-coherent");
        assertThat(elements(document, "testsuite")).extracting(suite -> suite.getAttribute("time"))
                .containsExactly("2.500", "2.500", "1.250");
        assertThat(elements(document, "testcase")).extracting(test -> test.getAttribute("name"))
                .containsExactly("mmap.sync", "udmabuf.sync", "mmap.sync", "udmabuf.sync", "heap.sync");
        assertThat(elements(document, "testcase").getFirst().getAttribute("classname"))
                .isEqualTo("saa7134_empress.iommu-none.direct.coherent");
        assertThat(elements(document, "skipped")).extracting(skipped -> skipped.getAttribute("message"))
                .anyMatch("no heap"::equals).hasSize(2);
        Element failure = elements(document, "failure").getFirst();
        assertThat(failure.getAttribute("type")).isEqualTo("MISSING_SYNC_FOR_CPU");
        assertThat(failure.getAttribute("message")).contains("<script>alert('x')</script> ]]> &amp; \"");
        assertThat(failure.getTextContent()).contains("62 not written", "0x1000 to 0x1fff", "3 times",
                "dma_sync_single_for_cpu");
        assertThat(elements(document, "error").getFirst().getAttribute("type")).isEqualTo("inconclusive");
        assertThat(elements(document, "system-out").getFirst().getTextContent()).contains("␛[2J␀␇�31m", "\tindented",
                "[98000 characters left out]");
        assertThat(elements(document, "system-out").getLast().getTextContent().lines()).hasSize(1001)
                .startsWith("[4000 lines left out]");
    }

    @Test
    void jsonKeepsEveryCharacter() {
        String text = ReportSamples.written(new JsonReport());
        assertThat(text.codePoints().filter(c -> c != '\n' && Character.isISOControl(c))).isEmpty();
        JsonObject json = JsonParser.parseString(text).getAsJsonObject();
        assertThat(json.keySet()).containsExactly("version", "driver", "device", "kernel", "qemu", "witness",
                "not_seen", "exit_status",
                "seconds", "count", "cells");
        assertThat(json.get("seconds").getAsDouble()).isEqualTo(41.5);
        assertThat(json.get("exit_status").getAsInt()).isEqualTo(1);
        assertThat(json.getAsJsonObject("count").toString())
                .isEqualTo("{\"pass\":1,\"fail\":1,\"skip\":2,\"inconclusive\":1}");
        assertThat(json.getAsJsonArray("cells")).hasSize(5);
        JsonObject failed = json.getAsJsonArray("cells").get(2).getAsJsonObject();
        assertThat(failed.get("name").getAsString()).isEqualTo("iommu-none.bounced.coherent.mmap.sync");
        assertThat(failed.get("outcome").getAsString()).isEqualTo("fail");
        assertThat(failed.get("reason").getAsString()).isEqualTo("bytes are wrong: " + ReportSamples.HOSTILE);
        assertThat(failed.getAsJsonObject("bytes").getAsJsonObject("packets").toString())
                .isEqualTo("{\"right\":24,\"old\":10,\"not_written\":62,\"broken\":0}");
        assertThat(failed.getAsJsonArray("console").get(0).getAsString()).isEqualTo(ReportSamples.HOSTILE);
        JsonObject finding = failed.getAsJsonArray("findings").get(0).getAsJsonObject();
        assertThat(finding.get("what").getAsString()).isEqualTo(ReportSamples.HOSTILE);
        assertThat(finding.get("severity").getAsString()).isEqualTo("error");
        assertThat(finding.get("source").getAsString()).startsWith("Documentation/core-api/dma-api.rst");
        assertThat(json.getAsJsonArray("cells").get(1).getAsJsonObject().get("bytes").isJsonNull()).isTrue();
    }

    @Test
    void aFailureHasCallChainsAndATimelineWithGaps() throws Exception {
        JsonObject failed = JsonParser.parseString(ReportSamples.written(new JsonReport())).getAsJsonObject()
                .getAsJsonArray("cells").get(2).getAsJsonObject();
        JsonObject finding = failed.getAsJsonArray("findings").get(0).getAsJsonObject();
        assertThat(finding.getAsJsonArray("chain").get(1).getAsString()).isEqualTo(ReportSamples.HOSTILE);
        assertThat(finding.getAsJsonArray("mapped")).hasSize(1);
        List<JsonObject> timeline = failed.getAsJsonArray("timeline").asList().stream()
                .map(JsonElement::getAsJsonObject)
                .toList();
        assertThat(timeline.getFirst().get("left_out").getAsLong()).as("not known").isEqualTo(7);
        assertThat(timeline.get(1).get("order").getAsLong()).as("the mapping").isEqualTo(8);
        assertThat(timeline.get(2).get("left_out").getAsLong()).isEqualTo(20);
        assertThat(timeline.subList(3, timeline.size())).extracting(line -> line.get("order").getAsLong())
                .containsExactly(29L, 30L, 31L, 32L, 33L, 34L, 35L, 36L, 37L, 38L, 39L);
        assertThat(timeline.getLast().get("attributes").getAsString()).isEqualTo("SKIP_CPU_SYNC");
        Document document = parse(ReportSamples.written(HTML));
        Element table = elements(document, "table").stream()
                .filter(each -> each.getAttribute("class").equals("timeline")).findFirst().orElseThrow();
        assertThat(table.getTextContent()).contains("7 events left out", "20 events left out", "vfg7350 writes",
                "0x0 to 0x2fff, 3 pieces",
                "FROM_DEVICE SKIP_CPU_SYNC");
        assertThat(elements(document, "tr")).filteredOn(row -> row.getAttribute("class").equals("broke"))
                .singleElement()
                .satisfies(row -> assertThat(row.getTextContent()).contains("1.23", "MISSING_SYNC_FOR_CPU"));
        assertThat(elements(document, "li")).extracting(Element::getTextContent)
                .startsWith("driver_start+0x10/0x20 [driver]", "dma_unmap_sg_attrs+0x1/0x2");
        assertThat(ReportSamples.written(new JunitReport())).contains("chain: dma_unmap_sg_attrs &lt; ",
                "mapped: driver_start [driver]");
    }

    @Test
    void jsonEscapesCharactersBeyondTheFirstPlane() {
        String tag = Character.toString(0xe0001);
        String json = Legible.json("\"" + tag + "\ud83d\ude00\"");
        assertThat(json).isEqualTo("\"\\udb40\\udc01\ud83d\ude00\"");
        assertThat(JsonParser.parseString(json).getAsString()).isEqualTo(tag + "\ud83d\ude00");
    }

    @Test
    void htmlIsWellFormedAndHoldsNoElementOfTheGuests() throws Exception {
        String html = ReportSamples.written(HTML);
        assertThat(html).startsWith("<!DOCTYPE html>\n<html")
                .doesNotContain("<script", "url(", "src=", "\u001b", "\u202e")
                .doesNotContainPattern("<(title|style|td|th|dd|dt|h\\d|span|code|p|div|pre|a)( [^>]*)?/>");
        Document document = parse(html);
        assertThat(elements(document, "script")).isEmpty();
        assertThat(elements(document, "pre").getFirst().getTextContent()).contains("<script>alert('x')</script> ]]>");
    }

    @Test
    void eachFormatSaysWhatATraceCannotSee() throws Exception {
        CheckResult module = ReportSamples.everyOutcome();
        CheckResult traced = new CheckResult(module.card(), module.kernel(), module.qemu(), module.cells(),
                module.time(),
                CallSource.TRACE);
        for (ReportFormat format : List.of(HTML, new JsonReport(), new JunitReport(), new KtapReport())) {
            String written = ReportSamples.written(format, traced);
            for (String unseen : CallSource.TRACE.unseen()) {
                assertThat(written).contains(unseen);
                assertThat(ReportSamples.written(format)).doesNotContain(unseen);
            }
        }
        parse(ReportSamples.written(HTML, traced));
        assertThat(JsonParser.parseString(ReportSamples.written(new JsonReport(), traced)).getAsJsonObject()
                .get("witness").getAsString()).isEqualTo("trace");
    }

    @Test
    void htmlLinksEachCellOfTheTableToWhatIsSaidOfIt() throws Exception {
        Document document = parse(ReportSamples.written(HTML));
        List<String> ids = elements(document, "*").stream().map(e -> e.getAttribute("id")).filter(id -> !id.isEmpty())
                .toList();
        assertThat(elements(document, "a")).hasSize(5)
                .allMatch(link -> ids.contains(link.getAttribute("href").substring(1)));
        assertThat(ids).doesNotHaveDuplicates();
        assertThat(elements(document, "a")).extracting(Element::getTextContent).containsExactlyInAnyOrder("✓pass",
                "–skip", "✗FAIL", "?inconclusive", "–skip");
        assertThat(elements(document, "p").getFirst().getTextContent())
                .isEqualTo("✗ FAIL: 1 failed, 1 inconclusive, 1 passed, 2 skipped");
        assertThat(elements(document, "dd")).extracting(Element::getTextContent).contains("2026-03-04 05:06 +00:00",
                "0x1000 to 0x1fff (4096 bytes)", "3 times",
                "Documentation/core-api/dma-api.rst: dma_sync_single_for_cpu");
    }
}
