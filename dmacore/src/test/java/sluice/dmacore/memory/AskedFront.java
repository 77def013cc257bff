package sluice.dmacore.memory;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

import static org.assertj.core.api.Assertions.assertThat;

/** A front-end that records misses and answers on demand, and the cache that sends them. */
final class AskedFront implements Iotlb.Questions, AutoCloseable {
    static final long PAGE = MemoryRegion.PAGE;
    /** The front-end's address of the memory's first byte. */
    static final long USER = 0x7f00_0000_0000L;
    /** More than the cache holds; the file has holes instead of pages. */
    static final int PAGES = 24_576;

    /** What was asked. */
    record Question(long page, Access access) {}

    final MemoryFiles files = new MemoryFiles(1);
    final FileMapping file;
    final GuestMemoryView view = new GuestMemoryView();
    final IotlbStatistics statistics = new IotlbStatistics();
    /** Questions without an answer, the oldest first. */
    final ArrayDeque<Question> open = new ArrayDeque<>();
    final Runs runs = new Runs();
    final Result result = new Result();
    final Iotlb iotlb;
    int progress;

    AskedFront() throws IOException {
        file = files.mapping(PAGES * PAGE);
        adoptMemory();
        iotlb = newIotlb();
    }

    /** Another cache in front of the same memory, as a device gets one that starts anew. */
    Iotlb newIotlb() {
        return new Iotlb("test", view, GuestMemory.Addressing.USER, this, () -> progress++, statistics);
    }

    /** A new generation of the same memory table: guest addresses from 0. */
    void adoptMemory() throws IOException {
        view.adopt(GuestMemory.of(List.of(MemoryRegion.of(0, PAGES * PAGE, USER, file, 0))));
    }

    @Override
    public void ask(long address, Access access) {
        open.addLast(new Question(address, access));
    }

    /** Pages that were asked about and not answered, as page numbers. */
    List<Long> openPages() {
        List<Long> pages = new ArrayList<>();
        for (Question question : open) pages.add(question.page / PAGE);
        return pages;
    }

    Outcome resolve(long address, long length, Access access) {
        runs.clear();
        return iotlb.resolve(address, length, access, runs, result);
    }

    void misses(long address, long length, Access access, long at) {
        assertThat(resolve(address, length, access)).isEqualTo(Outcome.MISS);
        assertThat(result.address()).isEqualTo(at);
        assertThat(runs.bytes()).isZero();
    }

    void faults(long address, long length, Access access, long at) {
        assertThat(resolve(address, length, access)).isEqualTo(Outcome.FAULT);
        assertThat(result.outcome()).isEqualTo(Outcome.FAULT);
        assertThat(result.address()).isEqualTo(at);
        assertThat(runs.bytes()).isZero();
    }

    /** It resolves to one run of the file. */
    void finds(long address, long length, Access access, long offset) {
        assertThat(resolve(address, length, access)).isEqualTo(Outcome.RESOLVED);
        assertThat(runs.count()).isEqualTo(1);
        assertThat(runs.mapping(0)).isSameAs(file);
        assertThat(runs.offset(0)).isEqualTo(offset);
        assertThat(runs.bytes()).isEqualTo(length);
    }

    /** Tells where pages lead: to an offset in the file. */
    void update(long address, long length, long offset) throws MapException {
        update(address, length, offset, Permission.READ_WRITE);
    }

    void update(long address, long length, long offset, Permission granted) throws MapException {
        iotlb.update(address, length, USER + offset, granted);
    }

    /** Answers the oldest question: its page leads to an offset in the file. */
    void answer(long offset) throws MapException {
        Question question = open.removeFirst();
        update(question.page, PAGE, offset);
        iotlb.answered(question.page, question.access, true);
    }

    /** Answers all questions: page n leads to page n + {@code distance} of the file. */
    void answerAll(long distance) throws MapException {
        while (!open.isEmpty())
            answer(open.getFirst().page + distance * PAGE);
    }

    /** Answers the oldest question with no. */
    void refuse() {
        Question question = open.removeFirst();
        iotlb.answered(question.page, question.access, false);
    }

    void invalidate(long first, long last) {
        iotlb.invalidate(new AddressRange(first, last));
    }

    @Override
    public void close() {
        view.adopt(GuestMemory.empty());
        file.release();
        files.awaitUnmapped();
    }
}
