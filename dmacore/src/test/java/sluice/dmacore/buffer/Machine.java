package sluice.dmacore.buffer;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.MemoryFiles;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;

/** A machine for one test; its memory must be unreferenced at the end. */
public final class Machine implements AutoCloseable {
    public static final int PAGE = 4096;

    private final MemoryFiles memory = new MemoryFiles(4096);
    private final List<Closeable> things = new ArrayList<>();
    private final Findings findings = new Findings();
    private final ShadowCaches caches;
    private final DmaCore core;

    private Machine(DmaCoreOptions options, boolean model) {
        this(options, model, new Eviction.Lazy());
    }

    private Machine(DmaCoreOptions options, boolean model, Eviction eviction) {
        caches = new ShadowCaches(memory.mappings(), eviction);
        DmaCoreOptions own = options.withFiles(memory.mappings());
        core = DmaCore.open(model ? own.withExecutor(caches) : own, findings);
    }

    /** Operations are counted and not performed. */
    public static Machine counting() {
        return new Machine(DmaCoreOptions.counting(), false);
    }

    /** Devices that do not snoop see a shadow. */
    public static Machine modelled() {
        return new Machine(DmaCoreOptions.counting(), true);
    }

    public static Machine with(DmaCoreOptions options) {
        return new Machine(options, false);
    }

    public static Machine modelledWith(DmaCoreOptions options) {
        return new Machine(options, true);
    }

    public static Machine modelledWith(DmaCoreOptions options, Eviction eviction) {
        return new Machine(options, true, eviction);
    }

    public DmaCore core() {
        return core;
    }

    public ShadowCaches caches() {
        return caches;
    }

    public FileMappings files() {
        return memory.mappings();
    }

    /** A file of guest memory. */
    public FileMapping file(int pages) throws IOException {
        FileMapping file = memory.mapping((long) pages * PAGE);
        things.add(file::release);
        return file;
    }

    /** A buffer over pages of a file, in this order. */
    public DmaBuf guest(String name, FileMapping file, int... pages) throws IOException {
        return released(core.export(name, (long) pages.length * PAGE, new GuestPages(runs(file, pages))));
    }

    public static Runs runs(FileMapping file, int... pages) {
        Runs runs = new Runs();
        for (int page : pages) runs.add(file, (long) page * PAGE, PAGE);
        return runs;
    }

    public MemoryPool pool(int pages, boolean late) throws IOException {
        MemoryPool pool = MemoryPool.open(memory.mappings(), (long) pages * PAGE, 7, late);
        things.add(pool::close);
        return pool;
    }

    /** A buffer of a pool. */
    public DmaBuf own(String name, MemoryPool pool, long bytes) throws IOException {
        return released(core.export(name, bytes, pool));
    }

    /** Is released at the end. */
    public DmaBuf released(DmaBuf buffer) {
        things.add(buffer::release);
        return buffer;
    }

    public DeviceFunction device(String name) {
        return core.function(name, DeviceDmaParams.throughIommu());
    }

    public DeviceView view(DeviceFunction function) {
        return closed(DeviceView.open(function));
    }

    /** Is closed at the end. */
    public DeviceView closed(DeviceView view) {
        things.add(view::close);
        return view;
    }

    /** What a device reads. */
    public static byte[] read(DeviceView view, DeviceMapping mapping, long from, int length) {
        byte[] bytes = new byte[length];
        assertThat(view.read(mapping, from, MemorySegment.ofArray(bytes), 0, length)).isEqualTo(Outcome.RESOLVED);
        return bytes;
    }

    public static void write(DeviceView view, DeviceMapping mapping, long from, byte[] bytes) {
        assertThat(view.write(mapping, from, MemorySegment.ofArray(bytes), 0, bytes.length))
                .isEqualTo(Outcome.RESOLVED);
    }

    /** The CPU stores without notification, as a guest does. */
    public static void store(FileMapping file, long offset, byte[] bytes) {
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, file.segment(), offset, bytes.length);
    }

    public static byte[] load(FileMapping file, long offset, int length) {
        byte[] bytes = new byte[length];
        MemorySegment.copy(file.segment(), offset, MemorySegment.ofArray(bytes), 0, length);
        return bytes;
    }

    public static byte[] bytes(int length, int seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    /**
     * What was found is this, and nothing else: each mistake as often as it is said here, and a hint of each of the rules that
     * are hints, however often.
     */
    public void found(Rule... rules) {
        mistaken(of(Rule.Severity.ERROR, rules));
        Set<Rule> hints = new TreeSet<>();
        for (Findings.Counted counted : findings.all()) hints.add(counted.finding().rule());
        hints.removeIf(rule -> rule.severity() == Rule.Severity.ERROR);
        assertThat(hints).as(findings.report()).containsExactlyInAnyOrder(of(Rule.Severity.HINT, rules));
    }

    /** The mistakes that were found are these, and no others; for where the hints are not the same each time. */
    public void mistaken(Rule... rules) {
        assertThat(findings.errors()).as(findings.report()).extracting(finding -> finding.rule())
                .containsExactlyInAnyOrder(rules);
    }

    private static Rule[] of(Rule.Severity severity, Rule... rules) {
        return Arrays.stream(rules).filter(rule -> rule.severity() == severity).toArray(Rule[]::new);
    }

    /** The ranges reported for a rule, of any severity and location, as printed, in any order. */
    public void about(Rule rule, String... ranges) {
        Set<String> told = new TreeSet<>();
        for (Findings.Counted counted : findings.all()) {
            if (counted.finding().rule() == rule) counted.ranges().forEach(range -> told.add(range.toString()));
        }
        assertThat(told).as(findings.report()).containsExactlyInAnyOrder(ranges);
    }

    /** As {@link #found}, since the last time. */
    public void foundNext(Rule... rules) {
        found(rules);
        findings.clear();
    }

    /** Fails if a rule has a finding, of any severity. */
    public void none(Rule rule) {
        assertThat(findings.all()).as(findings.report()).noneMatch(counted -> counted.finding().rule() == rule);
    }

    /** The one finding of a rule. */
    public Finding only(Rule rule) {
        List<Findings.Counted> all = findings.all().stream().filter(counted -> counted.finding().rule() == rule)
                .toList();
        assertThat(all).as(findings.report()).hasSize(1);
        return all.getFirst().finding();
    }

    @Override
    public void close() throws IOException {
        for (int i = things.size() - 1; i >= 0; i--) things.get(i).close();
        memory.awaitUnmapped();
    }
}
