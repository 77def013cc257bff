package sluice.vdev.queue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;

import org.jspecify.annotations.Nullable;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.Used;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

/**
 * Requests of random shapes and contents, and a device whose answer depends on the contents alone: whatever is mixed up
 * between two chains shows.
 */
final class EchoTraffic {
    /** Bytes a request has to itself: half for what is sent, half for the answer. */
    static final int SLOT_BYTES = 64;
    private static final int HALF = SLOT_BYTES / 2;

    private final QueueRig rig;
    private final Random random;
    private final Deque<Integer> freeSlots = new ArrayDeque<>();
    private final @Nullable Request[] byHead;
    private final byte[] content = new byte[HALF];
    int submitted;
    int taken;

    private record Request(int slot, byte[] answer) {}

    /** Traffic for {@code rig}, whose room for buffers has {@link #SLOT_BYTES} for each descriptor. */
    EchoTraffic(QueueRig rig, long seed) {
        this.rig = rig;
        this.random = new Random(seed);
        int size = rig.layout.size();
        this.byHead = new @Nullable Request[size];
        for (int i = 0; i < size; i++) freeSlots.add(i);
    }

    /** Adds a request without publishing it; returns whether there was room. */
    boolean add() {
        boolean indirect = rig.features.indirect();
        List<ChainForm> forms = rig.driver.forms();
        ChainForm form = indirect ? forms.get(random.nextInt(forms.size())) : ChainForm.DIRECT;
        int room = Math.min(rig.driver.freeDescriptors(), 4);
        if (form == ChainForm.INDIRECT) room = room == 0 ? 0 : QueueRig.TABLE_ENTRIES;
        if (form == ChainForm.MIXED) room = room < 2 ? room : QueueRig.TABLE_ENTRIES;
        if (room == 0) return false;
        int slot = freeSlots.remove();
        int buffers = 1 + random.nextInt(room);
        int readable = random.nextInt(buffers + 1);
        long base = (long) slot * SLOT_BYTES;
        List<Buffer> out = cut(base, readable);
        List<Buffer> in = cut(base + HALF, buffers - readable);
        int sent = out.stream().mapToInt(buffer -> (int) buffer.length()).sum();
        int wanted = in.stream().mapToInt(buffer -> (int) buffer.length()).sum();
        random.nextBytes(content);
        long at = rig.ram.offset(rig.at(base), SLOT_BYTES);
        for (int i = 0; i < HALF; i++) rig.ram.memory().set(JAVA_BYTE, at + i, content[i]);
        int head = rig.driver.add(out, in, form);
        assertThat(byHead[head]).isNull();
        byHead[head] = new Request(slot, answer(content, sent, wanted));
        submitted++;
        return true;
    }

    /** {@code count} buffers one after the other, 1 to 8 bytes long. */
    private List<Buffer> cut(long offset, int count) {
        List<Buffer> buffers = new ArrayList<>();
        long at = offset;
        for (int i = 0; i < count; i++) {
            int length = 1 + random.nextInt(8);
            buffers.add(rig.buffer(at, length));
            at += length;
        }
        return buffers;
    }

    private static byte[] answer(byte[] request, int sent, long room) {
        int length = sent == 0 ? (int) room : (request[0] & 0xff) % ((int) room + 1);
        byte[] answer = new byte[length];
        for (int i = 0; i < length; i++) {
            answer[i] = (byte) ((sent == 0 ? 0x5a : request[i % sent]) + 7 * i);
        }
        return answer;
    }

    /** What the device does with a chain. */
    static void answer(Chain chain) {
        int sent = (int) chain.readable().bytes();
        byte[] request = new byte[sent];
        chain.readable().copyTo(0, request, 0, sent);
        byte[] answer = answer(request, sent, chain.writableBytes());
        assertThat(chain.respond(answer, answer.length)).isEqualTo(answer.length);
    }

    /** Takes one used entry and checks the answer; returns whether there was one. */
    boolean take() {
        Optional<Used> next = rig.driver.poll();
        if (next.isEmpty()) return false;
        Used used = next.get();
        Request request = byHead[used.head()];
        if (request == null) throw new AssertionError("chain " + used.head() + " was not asked for");
        byHead[used.head()] = null;
        assertThat(used.written()).isEqualTo(request.answer.length);
        long at = rig.ram.offset(rig.at((long) request.slot * SLOT_BYTES + HALF), HALF);
        for (int i = 0; i < request.answer.length; i++) {
            if (rig.ram.memory().get(JAVA_BYTE, at + i) != request.answer[i]) {
                throw new AssertionError("byte " + i + " of the answer to chain " + used.head() + " is wrong");
            }
        }
        freeSlots.addFirst(request.slot);
        taken++;
        return true;
    }

    int takeAll() {
        int count = 0;
        while (take())
            count++;
        return count;
    }
}
