package sluice.dmacore.memory;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.AskedFront.Question;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.space.MapException;

/**
 * A VM's IOMMU as plain maps, and the front-end before it. Its messages reach the device late, and in order: an unmap is
 * known here at once, and to the device when the invalidation arrives.
 */
final class ModelIommu {
    private static final long PAGE = MemoryRegion.PAGE;
    /** Single pages from here on. */
    static final long FIRST_PAGE = 0x800;
    static final int PAGES = 96;
    /** Blocks of 512 pages from here on, which are mapped as a whole. */
    static final long FIRST_BLOCK = 0x1000;
    static final int BLOCKS = 2;
    private static final int BLOCK_PAGES = 512;

    /** Where a bus page leads: a page of the file. */
    record Leads(long page, Permission permission) {}

    /** A message to the device, and what the model knows to be true once it has arrived. */
    private interface Message {
        void deliver() throws MapException;
    }

    private final AskedFront front;
    private final Random random;
    private final Map<Long, Leads> table = new HashMap<>();
    /** What was unmapped while the invalidation is on its way. */
    private final Map<Long, List<Leads>> stale = new HashMap<>();
    private final Set<Question> refused = new HashSet<>();
    private final ArrayDeque<Message> messages = new ArrayDeque<>();
    int unmapped;
    int invalidations;

    ModelIommu(AskedFront front, Random random) {
        this.front = front;
        this.random = random;
    }

    static boolean isInBlock(long page) {
        return page >= FIRST_BLOCK;
    }

    /** A page that may be mapped. */
    long anyPage() {
        return random.nextInt(4) == 0
                ? FIRST_BLOCK + random.nextInt(BLOCKS * BLOCK_PAGES)
                : FIRST_PAGE + random.nextInt(PAGES);
    }

    /** The driver maps a page or the block it is in, unless that is mapped. */
    void map(long page) {
        if (table.containsKey(page)) return;
        Permission permission = Permission.of(1 + random.nextInt(3));
        if (isInBlock(page)) {
            long first = page & -BLOCK_PAGES;
            long target = random.nextInt(8) * (long) BLOCK_PAGES;
            for (int i = 0; i < BLOCK_PAGES; i++) table.put(first + i, new Leads(target + i, permission));
        } else {
            // Neighbours are often neighbours in memory, so that runs merge.
            Leads below = table.get(page - 1);
            long target = below != null && random.nextBoolean() ? below.page + 1 : random.nextInt(4096);
            table.put(page, new Leads(target, permission));
        }
    }

    /** The driver unmaps a page or its block; the device is notified. */
    void unmap(long page) {
        long first = isInBlock(page) ? page & -BLOCK_PAGES : page;
        long count = isInBlock(page) ? BLOCK_PAGES : 1;
        if (!table.containsKey(first)) return;
        for (long at = first; at < first + count; at++) takeOut(at);
        invalidate(AddressRange.of(first * PAGE, count * PAGE), first, count);
    }

    private void takeOut(long page) {
        Leads old = table.remove(page);
        if (old == null) return;
        stale.computeIfAbsent(page, _ -> new ArrayList<>()).add(old);
        unmapped++;
    }

    private void invalidate(AddressRange range, long first, long count) {
        invalidations++;
        messages.addLast(() -> {
            front.iotlb.invalidate(range);
            for (long at = first; at < first + count; at++) arrived(at);
        });
    }

    /** Each unmap of a page has a message of its own, and they arrive in order. */
    private void arrived(long page) {
        List<Leads> old = stale.get(page);
        if (old != null && !old.isEmpty()) old.removeFirst();
    }

    /** The IOMMU takes back more than was unmapped, as Intel's does in two messages. */
    void invalidateWholesale() {
        invalidations++;
        messages.addLast(() -> front.iotlb.invalidate(new AddressRange(0, 0xfee0_0000L - 1)));
        messages.addLast(() -> front.iotlb.invalidate(new AddressRange(0xfef0_0000L, -1)));
    }

    /** The front-end looks at the oldest question, if there is one: its answer is about this moment. */
    void lookAtQuestion() {
        Question question = front.open.pollFirst();
        if (question == null) return;
        Leads leads = table.get(question.page() / PAGE);
        boolean known = leads != null && leads.permission.allows(question.access());
        if (leads != null && known) {
            boolean block = isInBlock(question.page() / PAGE);
            long mask = block ? -BLOCK_PAGES * PAGE : -PAGE;
            messages.addLast(() -> front.update(question.page() & mask, -mask, leads.page * PAGE & mask));
            if (random.nextInt(8) == 0) messages.addLast(messages.getLast());
        }
        messages.addLast(() -> {
            if (!known) refused.add(question);
            front.iotlb.answered(question.page(), question.access(), known);
        });
    }

    /** The oldest message arrives. */
    boolean deliver() throws MapException {
        Message message = messages.pollFirst();
        if (message == null) return false;
        message.deliver();
        return true;
    }

    void deliverAll() throws MapException {
        while (deliver()) {
        }
    }

    /** Where a page leads now. */
    @Nullable
    Leads leads(long page, Access access) {
        Leads now = table.get(page);
        return now != null && now.permission.allows(access) ? now : null;
    }

    /** Whether a device may believe that a page leads to a page of the file. */
    boolean mayLead(long page, long target, Access access) {
        Leads now = leads(page, access);
        if (now != null && now.page == target) return true;
        for (Leads old : stale.getOrDefault(page, List.of())) {
            if (old.page == target && old.permission.allows(access)) return true;
        }
        return false;
    }

    /** Whether the device was notified, since the last call, that such an access to a page is not permitted. */
    boolean wasRefused(long page, Access access) {
        return refused.remove(new Question(page * PAGE, access));
    }
}
