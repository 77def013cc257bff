package sluice.vdev.gpu;

import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.Snapshot;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.QueueWorker;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.Virtqueue;

/**
 * The control queue: carries out commands one after the other, in the order the guest sent them.
 *
 * <p>A command that takes its time, such as a flush whose pixels the display has not taken yet, holds back those behind
 * it. That keeps fences in order, which drivers rely on, and keeps a transfer from changing pixels that are on their way.
 */
final class ControlQueue implements QueueWorker.Work {
    private static final int MAX_COMMAND_BYTES = Wire.ResourceAttachBacking.BYTES
            + Backing.MAX_ENTRIES * Wire.ResourceAttachBacking.ENTRY_BYTES;

    private static final Polled.Broken FAULTED = new Polled.Broken(
            "an access of the device has faulted, and --on-fault=stop says so");

    private final int index;
    private final DeviceContext context;
    private final QueueWorker worker;
    private final Commands commands;
    private final GpuStatistics statistics;
    private final Snapshot command = new Snapshot(MAX_COMMAND_BYTES);
    private final Responder responder = new Responder();

    private final Runnable flushed = this::flushed;
    private final Shortage shortage = new Shortage();

    /** The command that holds back the others. */
    private @Nullable Chain waiting;
    private CommandType waitingType = CommandType.RESOURCE_FLUSH;
    /** Whether it waits for the VM's IOMMU; then it is carried out anew, from its snapshot. */
    private boolean missing;
    private long startedAt;

    ControlQueue(int index, Virtqueue queue, DeviceContext context, Commands commands, GpuStatistics statistics) {
        this.index = index;
        this.context = context;
        this.worker = new QueueWorker(index, queue, context, this);
        this.commands = commands;
        this.statistics = statistics;
    }

    /** Carries out what the guest has sent. */
    void drain() {
        Chain chain = waiting;
        if (chain != null && missing) {
            missing = false;
            release(chain);
            try {
                carryOut(chain, waitingType);
            } catch (OutOfMemoryError e) {
                outOfMemory(chain, e);
            }
        }
        worker.run();
        if (commands.isStopping()) context.broken(index, FAULTED);
    }

    @Override
    public boolean isHeldBack() {
        return waiting != null || commands.isStopping() || commands.isHeldBack();
    }

    @Override
    public void execute(Chain chain) {
        startedAt = System.nanoTime();
        try {
            begin(chain);
        } catch (OutOfMemoryError e) {
            outOfMemory(chain, e);
        }
    }

    /** The host has no memory for a command, or a step of it: that is the command's answer, and no end of the queue. */
    private void outOfMemory(Chain chain, OutOfMemoryError e) {
        shortage.tell(e);
        statistics.outOfMemory();
        release(chain);
        missing = false;
        commands.abandonMissing();
        commands.abandonFlush();
        if (chain.isWaiting()) responder.respond(chain, Response.ERR_OUT_OF_MEMORY);
    }

    private void begin(Chain chain) {
        boolean taken = false;
        OutOfMemoryError shortOf = null;
        try {
            taken = command.take(chain.readable(), 0, chain.readable().bytes());
        } catch (OutOfMemoryError e) {
            shortOf = e;
        }
        // Of a command that is too long the header is enough to refuse it, fence and all.
        if (!taken) command.take(chain.readable(), 0, Math.min(chain.readable().bytes(), Wire.Header.BYTES));
        responder.begin(command);
        if (shortOf != null) throw shortOf;
        CommandType type = command.length() < Wire.Header.BYTES
                ? null
                : CommandType.ofWire(command.u32(Wire.Header.TYPE));
        if (!taken || type == null || command.length() < type.bytes()) {
            statistics.unknownCommand();
            responder.respond(chain, Response.ERR_UNSPEC);
            return;
        }
        carryOut(chain, type);
    }

    private void carryOut(Chain chain, CommandType type) {
        switch (type) {
            case GET_DISPLAY_INFO ->
                waitFor(chain, type, answer -> commands.displayInfo(answer), Response.OK_DISPLAY_INFO);
            case GET_EDID -> edid(chain);
            case RESOURCE_ASSIGN_UUID -> assignUuid(chain);
            case RESOURCE_FLUSH -> flush(chain);
            case RESOURCE_CREATE_2D -> answer(chain, type, commands.create(command));
            case RESOURCE_UNREF -> answer(chain, type, commands.unref(command));
            case SET_SCANOUT -> answer(chain, type, commands.setScanout(command));
            case TRANSFER_TO_HOST_2D -> answer(chain, type, commands.transfer(command));
            case RESOURCE_ATTACH_BACKING -> answer(chain, type, commands.attachBacking(command));
            case RESOURCE_DETACH_BACKING -> answer(chain, type, commands.detachBacking(command));
            case UPDATE_CURSOR, MOVE_CURSOR -> answer(chain, type, Response.ERR_UNSPEC); // they belong on the other queue
        }
    }

    /** @param response null if the command has to wait for an address */
    private void answer(Chain chain, CommandType type, @Nullable Response response) {
        if (response == null) {
            hold(chain, type);
            missing = true;
            context.stalled(index, commands.missing());
            return;
        }
        responder.respond(chain, response);
        note(type, response != Response.OK_NODATA);
    }

    private void note(CommandType type, boolean refused) {
        statistics.command(type, refused, System.nanoTime() - startedAt);
    }

    private void assignUuid(Chain chain) {
        byte[] uuid = commands.uuid(command);
        if (uuid == null) {
            answer(chain, CommandType.RESOURCE_ASSIGN_UUID, Response.ERR_INVALID_RESOURCE_ID);
            return;
        }
        byte[] response = new byte[Wire.ResourceUuid.BYTES];
        System.arraycopy(uuid, 0, response, Wire.ResourceUuid.UUID, uuid.length);
        responder.respond(chain, Response.OK_RESOURCE_UUID, response);
        note(CommandType.RESOURCE_ASSIGN_UUID, false);
    }

    private void edid(Chain chain) {
        int scanout = command.u32(Wire.GetEdid.SCANOUT);
        if (!commands.hasScanout(scanout)) {
            answer(chain, CommandType.GET_EDID, Response.ERR_INVALID_SCANOUT_ID);
            return;
        }
        waitFor(chain, CommandType.GET_EDID, answer -> commands.edid(scanout, answer), Response.OK_EDID);
    }

    /** Asks the display something and answers with what it says. */
    private void waitFor(Chain chain, CommandType type, Consumer<Consumer<byte[]>> question, Response response) {
        hold(chain, type);
        question.accept(payload -> {
            if (!release(chain)) return;
            try {
                responder.respond(chain, response, payload);
                note(type, false);
            } catch (OutOfMemoryError e) {
                outOfMemory(chain, e);
            }
            worker.resume();
        });
    }

    private void flush(Chain chain) {
        hold(chain, CommandType.RESOURCE_FLUSH);
        Response refused = commands.flush(command, flushed);
        if (refused == null) return;
        release(chain);
        answer(chain, CommandType.RESOURCE_FLUSH, refused);
    }

    private void flushed() {
        Chain chain = waiting;
        if (chain == null) return;
        release(chain);
        answer(chain, CommandType.RESOURCE_FLUSH, Response.OK_NODATA);
        worker.resume();
    }

    private void hold(Chain chain, CommandType type) {
        waiting = chain;
        waitingType = type;
    }

    /** @return false if the command was settled meanwhile, because the queue stops */
    private boolean release(Chain chain) {
        if (waiting != chain) return false;
        waiting = null;
        return true;
    }

    /**
     * The queue stops: a flush that waits for the display is answered now, and the display goes on by itself. What waits for an
     * answer goes back to the queue, to be asked again when it starts: the front-end may be unable to answer before we have
     * stopped.
     */
    void stop() {
        Chain chain = waiting;
        if (chain == null) return;
        waiting = null;
        if (missing) {
            missing = false;
            commands.abandonMissing();
            worker.takeBack(chain);
            return;
        }
        commands.abandonFlush();
        if (waitingType == CommandType.RESOURCE_FLUSH) {
            answer(chain, waitingType, Response.OK_NODATA);
        } else {
            worker.takeBack(chain);
        }
    }
}
