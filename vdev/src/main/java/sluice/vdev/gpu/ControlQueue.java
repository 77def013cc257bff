package sluice.vdev.gpu;

import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import sluice.iommu.space.Result;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.QueueWorker;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.Virtqueue;

/**
 * The control queue: executes commands one by one, in order.
 *
 * <p>A pending command, such as a flush with pixels that the display has not accepted yet, holds back later ones. This
 * keeps fences in order, which drivers rely on, and prevents a transfer from changing pixels being sent.
 */
final class ControlQueue implements QueueWorker.Work {
    private static final int MAX_COMMAND_BYTES = Wire.ResourceAttachBacking.BYTES
            + Backing.MAX_ENTRIES * Wire.ResourceAttachBacking.ENTRY_BYTES;

    private static final Polled.Broken FAULTED = new Polled.Broken(
            "an access of the device faulted, and --on-fault=stop is set");

    private final int index;
    private final DeviceContext context;
    private final QueueWorker worker;
    private final Commands commands;
    private final GpuStatistics statistics;
    private final CommandNames names;
    private final CommandDecoder decoder = new CommandDecoder(MAX_COMMAND_BYTES);
    private final Responder responder = new Responder();
    /** Whether the current command has got the memory that it needs. */
    private final Result reached = new Result();

    private final Runnable flushed = this::flushed;
    private final Shortage shortage = new Shortage();

    /** The pending command. */
    private @Nullable Chain waiting;
    /** Its type. */
    private @Nullable Command held;
    /** Whether it waits for the VM's IOMMU; then it is executed again, from its snapshot. */
    private boolean missing;
    private long startedAt;

    ControlQueue(int index, Virtqueue queue, DeviceContext context, Commands commands, GpuStatistics statistics,
            CommandNames names) {
        this.index = index;
        this.context = context;
        this.worker = new QueueWorker(index, queue, context, this);
        this.commands = commands;
        this.statistics = statistics;
        this.names = names;
    }

    /** Executes the guest's commands. */
    void drain() {
        Chain chain = waiting;
        Command command = held;
        if (chain != null && command != null && missing) {
            missing = false;
            release(chain);
            try {
                carryOut(chain, command);
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
        statistics.begin();
        startedAt = worker.takenAt();
        try {
            begin(chain);
        } catch (OutOfMemoryError e) {
            outOfMemory(chain, e);
        }
    }

    /** Host memory is exhausted: the command is answered with an error, and the queue continues. */
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
            taken = decoder.take(chain.readable(), chain.readable().bytes());
        } catch (OutOfMemoryError e) {
            shortOf = e;
        }
        // For a command that is too long the header suffices to refuse it, with its fence.
        if (!taken) decoder.take(chain.readable(), Math.min(chain.readable().bytes(), Wire.Header.BYTES));
        responder.begin(decoder.bytes(), commands.host().isNegotiated());
        if (shortOf != null) throw shortOf;
        Command command = taken ? decoder.decode() : null;
        if (command == null) {
            statistics.unknownCommand();
            responder.respond(chain, Response.ERR_UNSPEC);
            return;
        }
        names.give(chain, command.type());
        carryOut(chain, command);
    }

    private void carryOut(Chain chain, Command command) {
        reached.resolved(); // most commands need no memory
        switch (command) {
            case Command.GetDisplayInfo info -> waitFor(chain, info, commands::displayInfo, Response.OK_DISPLAY_INFO);
            case Command.GetEdid edid -> edid(chain, edid);
            case Command.ResourceAssignUuid assign -> assignUuid(chain, assign);
            case Command.ResourceFlush flush -> flush(chain, flush);
            case Command.ResourceCreate2d create -> answer(chain, create, commands.create(create));
            case Command.ResourceUnref unref -> answer(chain, unref, commands.unref(unref));
            case Command.SetScanout set -> answer(chain, set, commands.setScanout(set));
            case Command.TransferToHost2d transfer -> settle(chain, transfer, commands.transfer(transfer, reached));
            case Command.ResourceAttachBacking attach -> settle(chain, attach, commands.attachBacking(attach, reached));
            case Command.ResourceCreateBlob create -> settle(chain, create, commands.createBlob(create, reached));
            case Command.SetScanoutBlob set -> settle(chain, set, commands.setScanoutBlob(set, reached));
            case Command.ResourceDetachBacking detach -> answer(chain, detach, commands.detachBacking(detach));
            case ContextCommand.ResourceMapBlob map -> mapBlob(chain, map);
            case ContextCommand context -> settle(chain, context, commands.host().execute(context, reached));
            case Command.CursorCommand cursor -> answer(chain, cursor, Response.ERR_UNSPEC); // of the other queue
        }
    }

    /** Answers a command that needed memory, unless it must wait for a translation. */
    private void settle(Chain chain, Command command, Response response) {
        if (!reached.isMiss()) {
            answer(chain, command, response);
            return;
        }
        hold(chain, command);
        missing = true;
        context.stalled(index, new Polled.Stalled(reached.address(), reached.access()));
    }

    private void answer(Chain chain, Command command, Response response) {
        byte[] payload = commands.host().payload(response);
        if (payload == null) responder.respond(chain, response);
        else responder.respond(chain, response, payload);
        note(command, response.isError());
    }

    /** The window must be mapped for the guest first. */
    private void mapBlob(Chain chain, ContextCommand.ResourceMapBlob command) {
        hold(chain, command);
        commands.host().show(_ -> {
            if (!release(chain)) return;
            answer(chain, command, commands.host().execute(command, reached));
            worker.resume();
        });
    }

    private void note(Command command, boolean refused) {
        statistics.command(command.type(), refused, System.nanoTime() - startedAt);
    }

    private void assignUuid(Chain chain, Command.ResourceAssignUuid command) {
        Response assigned = commands.assignUuid(command);
        if (assigned != Response.OK_RESOURCE_UUID) {
            answer(chain, command, assigned);
            return;
        }
        byte[] uuid = commands.uuid(command);
        byte[] response = new byte[Wire.ResourceUuid.BYTES];
        System.arraycopy(uuid, 0, response, Wire.ResourceUuid.UUID, uuid.length);
        responder.respond(chain, Response.OK_RESOURCE_UUID, response);
        note(command, false);
    }

    private void edid(Chain chain, Command.GetEdid command) {
        int scanout = command.scanoutId();
        if (!commands.hasScanout(scanout)) {
            answer(chain, command, Response.ERR_INVALID_SCANOUT_ID);
            return;
        }
        waitFor(chain, command, answer -> commands.edid(scanout, answer), Response.OK_EDID);
    }

    /** Sends a request to the display, and answers with its reply. */
    private void waitFor(Chain chain, Command command, Consumer<Consumer<byte[]>> question, Response response) {
        hold(chain, command);
        question.accept(payload -> {
            if (!release(chain)) return;
            try {
                responder.respond(chain, response, payload);
                note(command, false);
            } catch (OutOfMemoryError e) {
                outOfMemory(chain, e);
            }
            worker.resume();
        });
    }

    private void flush(Chain chain, Command.ResourceFlush command) {
        hold(chain, command);
        Response refused = commands.flush(command, reached, flushed);
        if (refused == null) return;
        release(chain);
        settle(chain, command, refused);
    }

    private void flushed() {
        Chain chain = waiting;
        Command command = held;
        if (chain == null || command == null) return;
        release(chain);
        answer(chain, command, Response.OK_NODATA);
        worker.resume();
    }

    private void hold(Chain chain, Command command) {
        waiting = chain;
        held = command;
    }

    /** @return false if the command was answered meanwhile, because the queue stops */
    private boolean release(Chain chain) {
        if (waiting != chain) return false;
        waiting = null;
        return true;
    }

    /**
     * The queue stops: a flush that waits for the display is answered now; the display continues independently. A
     * command that waits for a translation or a reply returns to the queue and is executed again after a restart,
     * because the front-end may be unable to answer before we have stopped.
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
        if (held instanceof Command.ResourceFlush flush) {
            answer(chain, flush, Response.OK_NODATA);
        } else {
            worker.takeBack(chain);
        }
    }
}
