//! The same workload on turmoil: every process a host, every leg a datagram.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use entrega_checker::Report;
use entrega_model::{Model, ProcessId};
use turmoil::net::UdpSocket;
use turmoil::{Builder, Sim};

use super::hosted::{Hosted, Log, Net, Queue, Side, consume, produce};
use super::workload::{CONSUMERS, Job, LATENCY};

const PORT: u16 = 9_000;
const BROKER: &str = "broker";
/// Longer than every run.
const LIMIT: Duration = Duration::from_secs(100_000);

pub(crate) fn run(job: &Rc<Job>) -> Report {
    match job.model {
        Model::Log => simulate::<Log>(job),
        Model::Queue => simulate::<Queue>(job),
    }
}

fn simulate<S: Side>(job: &Rc<Job>) -> Report {
    let latency = Duration::from_nanos(LATENCY.as_nanos());
    let mut sim = Builder::new()
        .simulation_duration(LIMIT)
        .tick_duration(Duration::from_millis(1))
        .min_message_latency(latency)
        .max_message_latency(latency)
        .udp_capacity(1_024)
        .build();
    let hosted = Rc::new(RefCell::new(None));
    broker::<S>(&mut sim, job, &hosted);
    for process in (1..=CONSUMERS).map(ProcessId) {
        consumer::<S>(&mut sim, process, &hosted);
    }
    let (world, sent) = (Rc::clone(&hosted), Rc::clone(job));
    sim.client(name(ProcessId(0)), async move {
        let hosted = begun(&world).await;
        let socket = connect(&hosted).await?;
        produce(Rc::clone(&hosted), socket, &sent).await;
        hosted.done.notified().await;
        tokio::time::sleep(100 * latency).await;
        Ok(())
    });
    sim.run().unwrap_or_else(|error| panic!("{error}"));
    let hosted = hosted.borrow_mut().take();
    hosted.map(|hosted: Rc<Hosted<S>>| hosted.finish(job)).expect("the broker ran")
}

type Shared<S> = Rc<RefCell<Option<Rc<Hosted<S>>>>>;

/// The broker's host: takes datagrams and answers those whose calls are answered.
fn broker<S: Side>(sim: &mut Sim<'_>, job: &Rc<Job>, shared: &Shared<S>) {
    let (job, shared) = (Rc::clone(job), Rc::clone(shared));
    sim.host(BROKER, move || {
        let (job, shared) = (Rc::clone(&job), Rc::clone(&shared));
        async move {
            let socket = Rc::new(UdpSocket::bind(("0.0.0.0", PORT)).await?);
            let clients: Vec<SocketAddr> = (0..=CONSUMERS)
                .map(|process| (turmoil::lookup(name(ProcessId(process))), PORT).into())
                .collect();
            let hosted = Hosted::<S>::new(&job);
            *shared.borrow_mut() = Some(Rc::clone(&hosted));
            let send = || {
                for (client, call) in hosted.world.borrow_mut().outbox.drain(..) {
                    let to = clients[client.process.index()];
                    let _ = socket.try_send_to(&call.to_le_bytes(), to);
                }
            };
            let serve = async {
                let mut datagram = [0; 4];
                loop {
                    socket.recv_from(&mut datagram).await?;
                    hosted.arrive(u32::from_le_bytes(datagram));
                    send();
                }
            };
            tokio::select! {
                served = serve => served,
                () = hosted.run_timer(send) => Ok(()),
            }
        }
    });
}

fn consumer<S: Side>(sim: &mut Sim<'_>, process: ProcessId, shared: &Shared<S>) {
    let shared = Rc::clone(shared);
    sim.host(name(process), move || {
        let shared = Rc::clone(&shared);
        async move {
            let hosted = begun(&shared).await;
            let socket = connect(&hosted).await?;
            let nudge = socket.clone();
            consume(hosted, socket, process, move || nudge.send(NOBODY)).await;
            Ok(())
        }
    });
}

/// A datagram that names no call: the broker looks at its outbox.
const NOBODY: u32 = u32::MAX;

fn name(process: ProcessId) -> String {
    format!("process-{}", process.0)
}

/// The world, once the broker's host has made it.
async fn begun<S: Side>(shared: &Shared<S>) -> Rc<Hosted<S>> {
    loop {
        if let Some(hosted) = &*shared.borrow() {
            return Rc::clone(hosted);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A client's socket, with a task that takes the answers.
#[derive(Clone)]
struct Socket {
    socket: Rc<UdpSocket>,
    broker: SocketAddr,
}

async fn connect<S: Side>(hosted: &Rc<Hosted<S>>) -> turmoil::Result<Socket> {
    let socket = Rc::new(UdpSocket::bind(("0.0.0.0", PORT)).await?);
    let broker = (turmoil::lookup(BROKER), PORT).into();
    let (world, answers) = (Rc::clone(hosted), Rc::clone(&socket));
    tokio::task::spawn_local(async move {
        let mut datagram = [0; 4];
        while answers.recv_from(&mut datagram).await.is_ok() {
            world.arrived(u32::from_le_bytes(datagram));
        }
    });
    Ok(Socket { socket, broker })
}

impl Socket {
    fn send(&self, call: u32) {
        let _ = self.socket.try_send_to(&call.to_le_bytes(), self.broker);
    }
}

impl<S: Side> Net<S> for Socket {
    fn request(&self, call: u32) {
        self.send(call);
    }
}
