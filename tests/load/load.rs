//! A FastCGI load generator: a web server's side of many kept connections.
//!
//! One thread, one request at a time on each connection, so that it takes as little as it can
//! of the machine that it shares with what it measures.

mod measure;
mod requests;
mod wire;

use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use measure::{Cpu, Outcome};
use requests::Requests;

/// Sends requests to a FastCGI responder and measures it.
#[derive(Parser)]
struct Args {
    /// The responder's Unix socket.
    #[arg(long)]
    socket: PathBuf,
    /// Connections at once.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Requests in all.
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// Requests before the measurement starts.
    #[arg(long, default_value_t = 1_000)]
    warm_up: u64,
    /// URL paths, one per line, decoded; taken in random order.
    #[arg(long)]
    paths: Option<PathBuf>,
    /// Client addresses, one per line; taken in random order.
    #[arg(long)]
    addresses: Option<PathBuf>,
    /// Parameters, NAME=VALUE, one per line; {path}, {uri} and {address} are replaced.
    #[arg(long)]
    params_file: Option<PathBuf>,
    /// Seed of the random order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes each request in four pieces, as mod_proxy_fcgi does.
    #[arg(long)]
    pieces: bool,
    /// Microseconds to rest after each answer: for latencies of a responder that is not busy.
    #[arg(long, default_value_t = 0)]
    rest_us: u64,
    /// A new connection for each request.
    #[arg(long)]
    no_keep: bool,
    /// Counts answers with another status as failed.
    #[arg(long, default_value_t = 302)]
    status: u16,
    /// The responder's process, to measure what it uses of the processors.
    #[arg(long)]
    pid: Option<u32>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// One connection and the answer that it waits for.
struct Client {
    stream: UnixStream,
    answer: Vec<u8>,
    sent: Instant,
}

struct Load<'a> {
    args: &'a Args,
    epoll: std::os::fd::OwnedFd,
    clients: Vec<Client>,
    requests: Requests,
    left: u64,
    outcome: Outcome,
}

impl Load<'_> {
    fn connect(&self) -> io::Result<Client> {
        let stream = UnixStream::connect(&self.args.socket)?;
        Ok(Client {
            stream,
            answer: Vec::new(),
            sent: Instant::now(),
        })
    }

    /// Sends `count` requests and waits for all answers.
    fn run(&mut self, count: u64) -> io::Result<()> {
        self.left = count;
        let mut open = 0;
        for index in 0..self.clients.len() {
            open += u64::from(self.send(index)?);
        }
        let mut input = vec![0; 64 * 1024];
        let mut events: Vec<epoll::Event> = Vec::with_capacity(256);
        while open > 0 {
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                let index = event.data.u64() as usize;
                if !self.read(index, &mut input)? {
                    continue;
                }
                if self.args.rest_us > 0 {
                    std::thread::sleep(Duration::from_micros(self.args.rest_us));
                }
                if !self.send(index)? {
                    open -= 1;
                }
            }
        }
        Ok(())
    }

    /// Sends the next request; false if there is none left.
    fn send(&mut self, index: usize) -> io::Result<bool> {
        if self.left == 0 {
            return Ok(false);
        }
        self.left -= 1;
        let keep = !self.args.no_keep;
        if !keep {
            self.clients[index] = self.connect()?;
            self.watch(index)?;
        }
        let client = &mut self.clients[index];
        client.sent = Instant::now();
        for piece in self.requests.next(keep, self.args.pieces) {
            send(&client.stream, piece, SendFlags::NOSIGNAL)?;
        }
        Ok(true)
    }

    fn watch(&self, index: usize) -> io::Result<()> {
        let data = epoll::EventData::new_u64(index as u64);
        let stream = &self.clients[index].stream;
        Ok(epoll::add(
            &self.epoll,
            stream,
            data,
            epoll::EventFlags::IN,
        )?)
    }

    /// Reads what has come; whether the answer is complete (or never will be).
    fn read(&mut self, index: usize, input: &mut [u8]) -> io::Result<bool> {
        let client = &mut self.clients[index];
        let (bytes, _) = recv(&client.stream, &mut *input, RecvFlags::empty())?;
        client.answer.extend_from_slice(&input[..bytes]);
        let Some(status) = requests::status(&client.answer) else {
            if bytes == 0 {
                self.outcome.failed += 1;
                self.clients[index] = self.connect()?;
                self.watch(index)?;
            }
            return Ok(bytes == 0);
        };
        let nanos = client.sent.elapsed().as_nanos();
        self.outcome
            .latencies_ns
            .push(u32::try_from(nanos).unwrap_or(u32::MAX));
        self.outcome.failed += u64::from(status != self.args.status);
        client.answer.clear();
        if self.args.no_keep {
            // Its end is of no interest any more.
            epoll::delete(&self.epoll, &client.stream)?;
        }
        Ok(true)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let requests = Requests::read(&args)?;
    let mut load = Load {
        args: &args,
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        clients: Vec::new(),
        requests,
        left: 0,
        outcome: Outcome::default(),
    };
    for index in 0..args.connections {
        let client = load.connect()?;
        load.clients.push(client);
        load.watch(index)?;
    }
    load.run(args.warm_up)?;
    load.outcome = Outcome::default();
    let cpu = args.pid.map(Cpu::read).transpose()?;
    let start = Instant::now();
    load.run(args.requests)?;
    load.outcome.seconds = start.elapsed().as_secs_f64();
    if let (Some(before), Some(pid)) = (cpu, args.pid) {
        load.outcome.cpu = Some(Cpu::read(pid)? - before);
    }
    print!("{}", load.outcome.report(args.json));
    match load.outcome.failed {
        0 => Ok(()),
        failed => Err(format!("{failed} requests failed").into()),
    }
}
