//! rectify's side of the comparison `benches/compare`: the workloads, timed and shown on request.

mod protocol;
mod workloads;

fn main() -> protocol::Result<()> {
    let all = workloads::all();
    let names: Vec<_> = all.iter().map(|workload| workload.name.clone()).collect();
    let prepare = |name: &str| {
        let workload = all.iter().find(|workload| workload.name == name);
        (workload.ok_or(format!("no workload '{name}'"))?.prepare)()
    };
    protocol::serve(&names, &prepare, &|| Ok(workloads::device().synchronize()?))
}
